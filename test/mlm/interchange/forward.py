"""
Rebuilds the forward pass of a model folder in plain PyTorch, from config.json and model.safetensors alone, by Hugging Face's names and
formulas: BERT and ModernBERT with a head for masked tokens, texts, or tokens.

    python3 forward.py FOLDER < rows.json > logits.json

rows.json holds input_ids, attention_mask and token_type_ids, each [B][T]; logits.json the logits of all tokens, or of all texts. Fails when a
tensor is missing, of another shape or type, or left over.
"""
import json
import math
import struct
import sys

import torch
from torch.nn import functional as F


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header.pop("__metadata__") == {"format": "pt"}
    body = memoryview(data)[8 + length :]
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", name
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(body[begin:end]), dtype=torch.float32)
        tensors[name] = flat.reshape(entry["shape"]).double()
    return tensors


class Weights:
    """Tensors by name, and which of them were asked for."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.used = set()

    def get(self, name, *shape):
        tensor = self.tensors[name]
        assert list(tensor.shape) == list(shape), f"{name} is {list(tensor.shape)}, not {list(shape)}"
        self.used.add(name)
        return tensor

    def linear(self, x, name, rows, bias=True):
        weight = self.get(f"{name}.weight", rows, x.shape[-1])
        return F.linear(x, weight, self.get(f"{name}.bias", rows) if bias else None)

    def norm(self, x, name, eps, bias=True):
        width = x.shape[-1]
        weight = self.get(f"{name}.weight", width)
        return F.layer_norm(x, [width], weight, self.get(f"{name}.bias", width) if bias else None, eps)

    def finish(self):
        left = sorted(set(self.tensors) - self.used)
        assert not left, f"left over: {left}"


def attend(query, key, value, visible, heads):
    """Softmax attention of [B, T, C] over `visible`, [B, 1, T or 1, T]."""
    batch, length, width = value.shape
    apart = lambda x: x.reshape(batch, length, heads, width // heads).transpose(1, 2)
    query, key, value = query(apart), key(apart), apart(value)
    scores = query @ key.transpose(2, 3) / math.sqrt(width // heads)
    scores = scores.masked_fill(~visible, torch.finfo(torch.float64).min)
    return (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, width)


def gelu(name):
    return lambda x: F.gelu(x, approximate="none" if name == "gelu" else "tanh")


def bert(config, weights, rows):
    width, vocabulary = config["hidden_size"], config["vocab_size"]
    eps, act = config["layer_norm_eps"], gelu(config["hidden_act"])
    ids, mask, types = (torch.tensor(rows[name]) for name in ("input_ids", "attention_mask", "token_type_ids"))
    table = lambda name, size: weights.get(f"bert.embeddings.{name}_embeddings.weight", size, width)
    words = table("word", vocabulary)
    places = table("position", config["max_position_embeddings"])[: ids.shape[1]]
    x = words[ids] + places + table("token_type", config["type_vocab_size"])[types]
    x = weights.norm(x, "bert.embeddings.LayerNorm", eps)
    visible = mask.bool()[:, None, None, :]
    for i in range(config["num_hidden_layers"]):
        layer = f"bert.encoder.layer.{i}"
        own = lambda name: weights.linear(x, f"{layer}.attention.self.{name}", width)
        query, key = own("query"), own("key")
        context = attend(lambda apart: apart(query), lambda apart: apart(key), own("value"), visible, config["num_attention_heads"])
        x = weights.norm(x + weights.linear(context, f"{layer}.attention.output.dense", width), f"{layer}.attention.output.LayerNorm", eps)
        wide = act(weights.linear(x, f"{layer}.intermediate.dense", config["intermediate_size"]))
        x = weights.norm(x + weights.linear(wide, f"{layer}.output.dense", width), f"{layer}.output.LayerNorm", eps)
    return x, words


def bert_for_masked_lm(config, weights, rows):
    hidden, words = bert(config, weights, rows)
    head = "cls.predictions"
    x = gelu(config["hidden_act"])(weights.linear(hidden, f"{head}.transform.dense", config["hidden_size"]))
    x = weights.norm(x, f"{head}.transform.LayerNorm", config["layer_norm_eps"])
    assert config.get("tie_word_embeddings", True)
    return x @ words.T + weights.get(f"{head}.bias", config["vocab_size"])


def bert_for_sequence_classification(config, weights, rows):
    hidden, _ = bert(config, weights, rows)
    pooled = torch.tanh(weights.linear(hidden[:, 0], "bert.pooler.dense", config["hidden_size"]))
    return weights.linear(pooled, "classifier", len(config["id2label"]))


def bert_for_token_classification(config, weights, rows):
    hidden, _ = bert(config, weights, rows)
    return weights.linear(hidden, "classifier", len(config["id2label"]))


def rotate(x, theta):
    """Turns the pairs (x[j], x[j + D/2]) of [B, H, T, D] by t · theta^(−2j/D)."""
    depth = x.shape[-1]
    frequencies = theta ** (-torch.arange(0, depth, 2, dtype=torch.float64) / depth)
    angles = torch.arange(x.shape[2], dtype=torch.float64)[:, None] * frequencies
    cosine, sine = torch.cat([angles, angles], -1).cos(), torch.cat([angles, angles], -1).sin()
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat([-second, first], -1) * sine


def modernbert(config, weights, rows):
    for name in ("attention_bias", "mlp_bias", "norm_bias", "classifier_bias"):
        assert config[name] is False, name
    width, eps, inner = config["hidden_size"], config["norm_eps"], config["intermediate_size"]
    act = gelu(config["hidden_activation"])
    ids, mask = torch.tensor(rows["input_ids"]), torch.tensor(rows["attention_mask"])
    words = weights.get("model.embeddings.tok_embeddings.weight", config["vocab_size"], width)
    x = weights.norm(words[ids], "model.embeddings.norm", eps, bias=False)
    everywhere = mask.bool()[:, None, None, :]
    places = torch.arange(ids.shape[1])
    near = (places[:, None] - places[None, :]).abs() <= config["local_attention"] // 2
    for i in range(config["num_hidden_layers"]):
        layer = f"model.layers.{i}"
        local = i % config["global_attn_every_n_layers"] != 0
        theta = config["local_rope_theta" if local else "global_rope_theta"]
        visible = everywhere & near if local else everywhere
        normed = weights.norm(x, f"{layer}.attn_norm", eps, bias=False) if i > 0 else x
        query, key, value = weights.linear(normed, f"{layer}.attn.Wqkv", 3 * width, bias=False).chunk(3, -1)
        turned = lambda projection: lambda apart: rotate(apart(projection), theta)
        context = attend(turned(query), turned(key), value, visible, config["num_attention_heads"])
        x = x + weights.linear(context, f"{layer}.attn.Wo", width, bias=False)
        normed = weights.norm(x, f"{layer}.mlp_norm", eps, bias=False)
        value, gate = weights.linear(normed, f"{layer}.mlp.Wi", 2 * inner, bias=False).chunk(2, -1)
        x = x + weights.linear(act(value) * gate, f"{layer}.mlp.Wo", width, bias=False)
    return weights.norm(x, "model.final_norm", eps, bias=False), words


def modernbert_head(config, weights, x):
    x = gelu(config["classifier_activation"])(weights.linear(x, "head.dense", config["hidden_size"], bias=False))
    return weights.norm(x, "head.norm", config["norm_eps"], bias=False)


def modernbert_for_masked_lm(config, weights, rows):
    hidden, words = modernbert(config, weights, rows)
    assert config["tie_word_embeddings"] and config["decoder_bias"]
    return modernbert_head(config, weights, hidden) @ words.T + weights.get("decoder.bias", config["vocab_size"])


def modernbert_for_sequence_classification(config, weights, rows):
    hidden, _ = modernbert(config, weights, rows)
    if config["classifier_pooling"] == "cls":
        pooled = hidden[:, 0]
    else:
        mask = torch.tensor(rows["attention_mask"]).double()[:, :, None]
        pooled = (hidden * mask).sum(1) / mask.sum(1)
    return weights.linear(modernbert_head(config, weights, pooled), "classifier", len(config["id2label"]))


def modernbert_for_token_classification(config, weights, rows):
    hidden, _ = modernbert(config, weights, rows)
    return weights.linear(modernbert_head(config, weights, hidden), "classifier", len(config["id2label"]))


architectures = {
    ("bert", "BertForMaskedLM"): bert_for_masked_lm,
    ("bert", "BertForSequenceClassification"): bert_for_sequence_classification,
    ("bert", "BertForTokenClassification"): bert_for_token_classification,
    ("modernbert", "ModernBertForMaskedLM"): modernbert_for_masked_lm,
    ("modernbert", "ModernBertForSequenceClassification"): modernbert_for_sequence_classification,
    ("modernbert", "ModernBertForTokenClassification"): modernbert_for_token_classification,
}


def main(folder):
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    assert config["torch_dtype"] == "float32"
    (architecture,) = config["architectures"]
    if "id2label" in config:
        assert {label: int(id) for id, label in config["id2label"].items()} == config["label2id"]
    weights = Weights(read_safetensors(f"{folder}/model.safetensors"))
    logits = architectures[config["model_type"], architecture](config, weights, json.load(sys.stdin))
    weights.finish()
    json.dump(logits.tolist(), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
