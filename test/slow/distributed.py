"""
Goes on with the training of a model folder under PyTorch's launcher, data-parallel, and writes the folder again:

    python3 -m torch.distributed.run --nproc_per_node 2 distributed.py FOLDER OUT STEPS ROWS.json

ROWS.json holds input_ids, attention_mask, token_type_ids and labels (-100: not asked for), each [B][T]. Every process takes every n-th row; the
sums of their gradients are shared out after each step. Prints the mean loss before each step and after the last one, a line of JSON each.
"""
import json
import os
import shutil
import struct
import sys

import torch
import torch.distributed as dist
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "mlm", "interchange"))
from forward import Weights, architectures, read_safetensors  # noqa: E402


def write_safetensors(path, tensors):
    header, body = {"__metadata__": {"format": "pt"}}, []
    offset = 0
    for name, tensor in sorted(tensors.items()):
        data = tensor.detach().float().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(data)]}
        body.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(body)


def main(folder, out, steps, path):
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    with open(path, encoding="utf-8") as file:
        rows = {name: values[rank::size] for name, values in json.load(file).items()}
    (architecture,) = config["architectures"]
    forward = architectures[config["model_type"], architecture]
    tensors = read_safetensors(f"{folder}/model.safetensors")
    parameters = [tensor.requires_grad_() for _, tensor in sorted(tensors.items())]
    labels = torch.tensor(rows["labels"])
    asked = torch.tensor([float((labels != -100).sum())], dtype=torch.float64)
    dist.all_reduce(asked)
    optimizer = torch.optim.AdamW(parameters, lr=3e-3)
    for step in range(int(steps) + 1):
        optimizer.zero_grad()
        logits = forward(config, Weights(tensors), rows)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="sum") / asked
        loss.backward()
        total = loss.detach().clone()
        dist.all_reduce(total)
        for parameter in parameters:
            dist.all_reduce(parameter.grad)
        if rank == 0:
            print(json.dumps({"step": step, "loss": total.item(), "processes": size}), flush=True)
        if step < int(steps):
            optimizer.step()
    if rank == 0:
        os.makedirs(out, exist_ok=True)
        for name in ("config.json", "tokenizer.json"):
            shutil.copy(f"{folder}/{name}", f"{out}/{name}")
        write_safetensors(f"{out}/model.safetensors", tensors)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
