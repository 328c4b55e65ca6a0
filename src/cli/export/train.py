"""Goes on with a Rankfall run in PyTorch, from the step at which its checkpoint was taken.

    python3 train.py                                    # one process
    torchrun --nproc_per_node=4 train.py                # four processes on this machine
    torchrun --nnodes=2 --nproc_per_node=8 --rdzv_backend=c10d --rdzv_endpoint=HOST:29400 train.py

The batch of a step depends on the seed and the step alone. Processes only share its rows out, so the loss goes on where
it stood, whatever the number of processes. Needs PyTorch 1.13 or newer, and nothing else.
"""

import argparse
import json
import math
import os
import struct
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

HERE = Path(__file__).resolve().parent
DTYPES = {"F32": torch.float32, "I32": torch.int32, "U8": torch.uint8}


# Files ---------------------------------------------------------------------------------------------------------------


def read_tensors(path):
    """The tensors of a safetensors file by name, and its metadata."""
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = DTYPES[entry["dtype"]]
        flat = torch.frombuffer(data[8 + length + begin : 8 + length + end], dtype=dtype)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


def write_tensors(path, tensors, metadata):
    """Writes f32 tensors as safetensors. The file appears whole or not at all."""
    header, parts, end = {"__metadata__": metadata}, [], 0
    for name, tensor in tensors.items():
        part = tensor.detach().cpu().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + len(part)]}
        parts.append(part)
        end += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
    os.replace(unfinished, path)


# The order of the data: Rankfall's sampler ---------------------------------------------------------------------------


def random_words(a, b, c):
    """SFC32 (Chris Doty-Humphrey), keyed by three words and run in for twelve rounds."""
    mask, counter = 0xFFFFFFFF, 1
    run_in = 12
    while True:
        word = (a + b + counter) & mask
        counter = (counter + 1) & mask
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & mask
        c = ((((c << 21) & mask) | (c >> 11)) + word) & mask
        if run_in > 0:
            run_in -= 1
        else:
            yield word


def uniform_integer(words, n):
    whole = 2**32 - 2**32 % n
    while True:
        word = next(words)
        if word < whole:
            return word % n


def shuffled(seed, epoch, size):
    """The numbers 0 to size - 1 in the order of an epoch (Fisher-Yates)."""
    words = random_words(seed, 0x73687566, epoch)
    order = [0] * size
    for i in range(size):
        j = uniform_integer(words, i + 1)
        order[i] = order[j]
        order[j] = i
    return torch.tensor(order)


class Sampler:
    """The rows of each step, without those that the room has left out as bad."""

    def __init__(self, job, rows, left_out):
        self.seed, self.batch, self.rows = job["seed"], job["globalBatch"], rows
        self.left_out = left_out
        self.per_epoch = rows // self.batch
        self.epoch, self.order = None, None

    def rows_of(self, step):
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            self.epoch, self.order = epoch, shuffled(self.seed, epoch, self.rows)
        rows = self.order[place * self.batch : (place + 1) * self.batch]
        return rows[~torch.isin(rows, self.left_out)]


def samples_of(job, data, rows):
    """Inputs and labels of these rows of the training split."""
    model = job["model"]
    if job["data"]["kind"] == "text":
        places = rows[:, None] + torch.arange(model["context"])
        return data["tokens"][places].long(), data["tokens"][places + 1].long()
    inputs, labels = data["inputs"][rows].float(), data["labels"][rows].long()
    if job["data"]["kind"] == "digits":
        inputs = inputs / 255
    return (inputs.reshape(-1, *model["image"]) if model["kind"] == "cnn" else inputs), labels


# Models: parameters are named as in the checkpoint -------------------------------------------------------------------


def activation(name):
    return {
        "relu": nn.ReLU,
        "gelu": nn.GELU,
        "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
        "silu": nn.SiLU,
        "tanh": nn.Tanh,
    }[name]()


def mlp(model):
    layers = []
    for before, units in zip(model["layers"], model["layers"][1:]):
        layers += [nn.Linear(before, units), activation(model["activation"])]
    return nn.Sequential(*layers[:-1])


def cnn(model):
    layers, shape = [], list(model["image"])
    for spec in model["layers"]:
        kind = spec["kind"]
        if kind == "conv2d":
            options = {"stride": spec["stride"], "padding": spec["padding"]}
            layer = nn.Conv2d(shape[0], spec["channels"], spec["kernel"], **options)
        elif kind == "linear":
            layer = nn.Linear(shape[0], spec["units"])
        elif kind == "activation":
            layer = activation(spec["function"])
        elif kind == "flatten":
            layer = nn.Flatten()
        elif kind == "max_pool2d":
            layer = nn.MaxPool2d(spec["kernel"], spec["stride"])
        else:
            layer = nn.AvgPool2d(spec["kernel"], spec["stride"])
        layers.append(layer)
        with torch.no_grad():
            shape = list(layer(torch.zeros(1, *shape)).shape[1:])
    return nn.Sequential(*layers)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        split = (batch, length, self.heads, width // self.heads)
        q, k, v = (part.view(split).transpose(1, 2) for part in self.c_attn(x).split(width, dim=2))
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        future = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        weights = scores.masked_fill(future, -math.inf).softmax(dim=-1)
        return self.c_proj((weights @ v).transpose(1, 2).reshape(batch, length, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2, self.mlp = nn.LayerNorm(width), Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    """GPT-2 with nanoGPT's names. The head is the token embedding."""

    def __init__(self, model):
        super().__init__()
        width = model["width"]
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(model["vocabulary"], width),
                "wpe": nn.Embedding(model["context"], width),
                "h": nn.ModuleList(Block(width, model["heads"]) for _ in range(model["layers"])),
                "ln_f": nn.LayerNorm(width),
            }
        )

    def forward(self, tokens):
        parts = self.transformer
        x = parts["wte"](tokens) + parts["wpe"](torch.arange(tokens.shape[1], device=tokens.device))
        for block in parts["h"]:
            x = block(x)
        return parts["ln_f"](x) @ parts["wte"].weight.T


# The optimizer -------------------------------------------------------------------------------------------------------


def create_optimizer(job, model):
    o = job["optimizer"]
    if o["kind"] == "sgd":
        return torch.optim.SGD(
            model.parameters(), lr=o["learningRate"], momentum=o["momentum"], weight_decay=o["weightDecay"]
        )
    return torch.optim.AdamW(
        model.parameters(),
        lr=o["learningRate"],
        betas=(o["beta1"], o["beta2"]),
        eps=o["epsilon"],
        weight_decay=o["weightDecay"],
    )


def optimizer_slots(job):
    """PyTorch's names of what the optimizer keeps for each parameter."""
    return ["momentum_buffer"] if job["optimizer"]["kind"] == "sgd" else ["exp_avg", "exp_avg_sq"]


def rate_factor(schedule, step):
    """What the learning rate is multiplied by at a step."""
    if schedule["kind"] == "constant":
        return 1.0
    warmup, end, floor = schedule["warmup"], schedule["end"], schedule["floor"]
    if step < warmup:
        return (step + 1) / warmup
    if step >= end:
        return floor
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (end - warmup)))


# The run -------------------------------------------------------------------------------------------------------------


class Run:
    """Model, optimizer and step, as they are in the files beside this program."""

    def __init__(self, job, device):
        self.job, self.device = job, device
        kind = job["model"]["kind"]
        self.model = {"mlp": mlp, "cnn": cnn, "gpt": Gpt}[kind](job["model"]).to(device)
        self.optimizer = create_optimizer(job, self.model)
        weights, about = read_tensors(HERE / "model.safetensors")
        kept, about_kept = read_tensors(HERE / "optimizer.safetensors")
        if about["step"] != about_kept["step"]:
            raise SystemExit("model.safetensors and optimizer.safetensors are of different steps: export again.")
        self.step = int(about["step"])
        self.model.load_state_dict(weights)
        for name, parameter in self.model.named_parameters():
            state = {slot: kept[f"{slot}.{name}"].to(device).clone() for slot in optimizer_slots(job)}
            if job["optimizer"]["kind"] == "adamw":
                state["step"] = torch.tensor(float(self.step))
            self.optimizer.state[parameter] = state

    def save(self):
        metadata = {"format": "pt", "step": str(self.step)}
        kept = {
            f"{slot}.{name}": self.optimizer.state[parameter][slot]
            for name, parameter in self.model.named_parameters()
            for slot in optimizer_slots(self.job)
        }
        write_tensors(HERE / "optimizer.safetensors", kept, metadata)
        write_tensors(HERE / "model.safetensors", dict(self.model.named_parameters()), metadata)


def main():
    parser = argparse.ArgumentParser(description="Goes on with a Rankfall run in PyTorch.")
    parser.add_argument("--steps", type=int, help="train until this many steps are done in all (default: the job's)")
    parser.add_argument("--save-every", type=int, default=100, metavar="N", help="steps between checkpoints")
    parser.add_argument("--cpu", action="store_true", help="leave the GPUs alone")
    options = parser.parse_args()

    job = json.loads((HERE / "job.json").read_text())
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    gpu = torch.cuda.is_available() and not options.cpu
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if gpu else torch.device("cpu")
    if world > 1:
        dist.init_process_group("nccl" if gpu else "gloo")
    if gpu:
        torch.cuda.set_device(device)

    run = Run(job, device)
    model = DistributedDataParallel(run.model) if world > 1 else run.model
    data, _ = read_tensors(HERE / "data.safetensors")
    # A sample of a text is a place with a whole context behind it, and predicts at each of its positions.
    positions = job["model"]["context"] if "tokens" in data else 1
    rows_in_all = len(data["tokens"]) - positions if "tokens" in data else len(data["labels"])
    sampler = Sampler(job, rows_in_all, data.get("left_out", torch.tensor([])).long())
    last = job["steps"] if options.steps is None else options.steps

    while run.step < last:
        rows = sampler.rows_of(run.step)[rank::world]
        inputs, labels = samples_of(job, data, rows)
        logits = model(inputs.to(device))
        total = F.cross_entropy(logits.flatten(0, -2), labels.to(device).flatten(), reduction="sum")
        # The mean over the whole batch, in which what is left out counts as nothing, as in the room.
        # DistributedDataParallel divides gradients by the number of processes.
        loss = total * (world / (job["globalBatch"] * positions))
        run.optimizer.zero_grad()
        loss.backward()
        if job["clipNorm"] is not None:
            nn.utils.clip_grad_norm_(run.model.parameters(), job["clipNorm"])
        for group in run.optimizer.param_groups:
            group["lr"] = job["optimizer"]["learningRate"] * rate_factor(job["schedule"], run.step)
        run.optimizer.step()

        shown = loss.detach() / world
        if world > 1:
            dist.all_reduce(shown)
        if rank == 0:
            print(f"step {run.step} loss {shown.item():.6f}", flush=True)
        run.step += 1
        if rank == 0 and (run.step % options.save_every == 0 or run.step == last):
            run.save()

    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
