"""PyTorch on the CPU, as context for the benchmarks: operations and a training step, told over standard input.

Each line is a JSON request, and is answered by one JSON line. Numbers travel in files of raw 4-byte values.
"""

import json
import math
import sys

import numpy
import torch
import torch.nn.functional as F

tensors = {}
call = None
hyper = {}


def load(path, shape, kind):
    values = numpy.fromfile(path, dtype=numpy.int32 if kind == "i32" else numpy.float32)
    tensor = torch.from_numpy(values).reshape(shape)
    return tensor.long() if kind == "i32" else tensor


def norm(x, name_or_weight, bias=None, eps=1e-12):
    return F.layer_norm(x, x.shape[-1:], name_or_weight, bias, eps)


def with_gradients(value, inputs, outer=None):
    return list(torch.autograd.grad(value, inputs, outer))


def operation(name):
    t = tensors
    if name in ("matmul", "matmulBatched"):
        return lambda: [t["a"] @ t["b"]]
    if name == "softmax":
        return lambda: [torch.softmax(t["x"], -1)]
    if name == "layerNorm":
        return lambda: [norm(t["x"], t["weight"], t["bias"])]
    if name == "layerNorm+backward":
        inputs = [t[key].requires_grad_() for key in ("x", "weight", "bias")]
        return lambda: with_gradients(norm(*inputs), inputs, t["dy"])
    if name == "gelu":
        return lambda: [F.gelu(t["x"])]
    if name == "attention":
        scale = 1 / math.sqrt(t["q"].shape[-1])
        return lambda: [torch.softmax(t["q"] @ t["k"].mT * scale, -1) @ t["v"]]
    if name == "embedding":
        return lambda: [F.embedding(t["ids"], t["table"])]
    if name == "crossEntropy":
        return lambda: [F.cross_entropy(t["logits"], t["labels"])]
    if name == "crossEntropy+backward":
        t["logits"].requires_grad_()

        def both():
            loss = F.cross_entropy(t["logits"], t["labels"])
            return [loss.detach(), *with_gradients(loss, [t["logits"]])]

        return both
    if name == "adamw":
        value = t["value"].requires_grad_()
        value.grad = t["gradient"]
        adamw = optimizer([value], [])

        def step():
            adamw.step()
            return [value.detach()]

        return step
    raise ValueError(f"has no {name}")


def optimizer(decayed, others):
    groups = [
        {"params": decayed, "weight_decay": hyper["weightDecay"]},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=hyper["lr"],
        betas=(hyper["beta1"], hyper["beta2"]),
        eps=hyper["eps"],
    )


def training(config, batch, length, decayed):
    """A step of BERT with a tied decoder: post layer norm, exact GELU, no dropout."""
    heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    data = {name: tensors.pop(name) for name in ("ids", "positions", "labels")}
    weights = {name: value.requires_grad_() for name, value in tensors.items()}
    adamw = optimizer(
        [value for name, value in weights.items() if name in decayed],
        [value for name, value in weights.items() if name not in decayed],
    )

    def linear(x, name):
        return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def layer_norm(x, name):
        return norm(x, weights[f"{name}.weight"], weights[f"{name}.bias"], eps)

    def layer(x, name):
        split = lambda part: linear(x, f"{name}.attention.self.{part}").view(batch, length, heads, -1).transpose(1, 2)
        q, k, v = (split(part) for part in ("query", "key", "value"))
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        context = (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(batch * length, -1)
        x = layer_norm(x + linear(context, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        wide = F.gelu(linear(x, f"{name}.intermediate.dense"))
        return layer_norm(x + linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def step():
        words = weights["bert.embeddings.word_embeddings.weight"]
        x = F.embedding(data["ids"], words).view(batch, length, -1)
        x = x + weights["bert.embeddings.token_type_embeddings.weight"][0]
        x = x + weights["bert.embeddings.position_embeddings.weight"]
        x = layer_norm(x.view(batch * length, -1), "bert.embeddings.LayerNorm")
        for i in range(config["num_hidden_layers"]):
            x = layer(x, f"bert.encoder.layer.{i}")
        x = x[data["positions"]]
        hidden = F.gelu(linear(x, "cls.predictions.transform.dense"))
        hidden = layer_norm(hidden, "cls.predictions.transform.LayerNorm")
        loss = F.cross_entropy(F.linear(hidden, words, weights["cls.predictions.bias"]), data["labels"])
        adamw.zero_grad()
        loss.backward()
        adamw.step()
        return [loss.detach()]

    return step


def answer(request):
    global call
    kind = request["kind"]
    if kind == "load":
        tensors[request["name"]] = load(request["file"], request["shape"], request["type"])
    elif kind == "operation":
        hyper.update(request["hyper"])
        call = operation(request["name"])
    elif kind == "training":
        hyper.update(request["hyper"])
        call = training(request["config"], request["B"], request["T"], set(request["decayed"]))
    elif kind == "call":
        for _ in range(request["times"]):
            results = call()
        return {"first": results[0].flatten()[0].item()}
    elif kind == "results":
        for result, path in zip(call(), request["files"]):
            result.detach().contiguous().numpy().tofile(path)
    elif kind == "forget":
        tensors.clear()
        call = None
    return {}


print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:  # told to whoever asked
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
