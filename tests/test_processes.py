"""Many processes: real ones, which torchrun starts and which talk through Gloo, against one with the joint batches."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from scipy import stats
from test_training import contents, import_paths, linear, numbers, quietly, same, squared_error, weights
from torch import distributed, nn

from course_lib import processes
from course_lib.data import Batches, load
from course_lib.runtime import place
from course_lib.training import Player
from course_lib.vae import VAE, mean_loss

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "processes.md").read_text(encoding="utf-8")
EXAMPLE = "examples/train_vae.py"
MORE = 15  # epochs after the first kill
FAR = "first-machine:29500"
# The commands of the page.
HELP = f"python {EXAMPLE} --help"
ALONE = f"python {EXAMPLE}"
PAIR = f"torchrun --nproc-per-node 2 {EXAMPLE}"
RESTARTING = f"TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 torchrun --nproc-per-node 2 --max-restarts 3 {EXAMPLE} --resume"
MACHINES = f"torchrun --nnodes 2 --nproc-per-node 1 --rdzv-backend c10d --rdzv-id vae --rdzv-endpoint {FAR} {EXAMPLE}"


def start(command, *more, folder, script=(ROOT / EXAMPLE,)):
    """A command of the page as a process in `folder`, with more arguments, perhaps of another script."""
    variables = dict(re.findall(r"([A-Z_]+)=(\w+) ", command))
    program, *words = shlex.split(command)[len(variables) :]
    at = words.index(EXAMPLE)
    run = ["-m", "torch.distributed.run"] if program == "torchrun" else []
    settings = {"PYTHONPATH": import_paths(), "OMP_NUM_THREADS": "1", "COURSE_DATA": str(folder)}
    return subprocess.Popen(
        [sys.executable, *run, *words[:at], *map(str, [*script, *words[at + 1 :], *more])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | settings | variables,
    )


def finish(process, code=0):
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    return out, err


def children(launcher):
    """The process ids of those that torchrun started, in the order in which it did."""
    return [int(pid) for pid in Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()]


def await_epochs(file, n, process):
    """Wait until the checkpoint holds n epochs or more. Returns how many."""
    while not file.exists() or len(contents(file)["rows"]) < n:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return len(contents(file)["rows"])


def test_the_page_shows_the_commands_that_are_tested_here():
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    shown = "".join(blocks).replace(" \\\n    ", " ").splitlines()
    assert sorted(shown) == sorted([HELP, ALONE, PAIR, RESTARTING, MACHINES])


# --- against one process -------------------------------------------------------------------------------------------

DATA = numbers(22, dtype=torch.float64)  # the last batch is a smaller one


def play(batch_size, epochs, **options):
    """Weights, averages and losses after so many epochs of a game whose losses draw no random numbers.

    SGD shows a wrong scale of the gradients, which Adam would hide. Processes begin with other weights than the first.
    """
    seed = 1 + place()[0]
    first = Player("a", linear(seed, torch.float64), squared_error, 0.05, torch.optim.SGD, steps=2, ema=0.9)
    players = [first, Player("b", linear(seed + 10, torch.float64), squared_error)]
    history = quietly(players, Batches(DATA, batch_size), epochs, **options)
    return {"weights": weights(nn.ModuleList(players)), "losses": [history["a.loss"], history["b.loss"]]}


JOINT = """
import torch
from test_processes import play
from course_lib.processes import joined
from course_lib.runtime import place

with joined() as wrap:
    rank, _ = place()
    found = {
        "straight": play(3, 4, wrap=wrap, checkpoint="pair.pt"),
        "resumed": play(3, 4, wrap=wrap, checkpoint="one.pt", resume=True),
    }
    try:
        play(3, 5, wrap=wrap, checkpoint="absent.pt" if rank else "pair.pt", resume=True)
    except ValueError as error:
        found["error"] = str(error)
    torch.save(found, f"found{rank}.pt")
    print("ready", flush=True)
    play(3, 1_000_000, wrap=wrap)
"""


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """What each of two processes found, the folder with their checkpoints, and what they say when interrupted."""
    folder = tmp_path_factory.mktemp("joint")
    (folder / "joint.py").write_text(JOINT)
    play(6, 2, checkpoint=folder / "one.pt")
    launcher = start(PAIR, folder=folder, script=["joint.py"])
    ready = [launcher.stdout.readline() for _ in range(2)]
    launcher.send_signal(signal.SIGINT)
    _, err = finish(launcher, code=1)
    assert ready == ["ready\n"] * 2, err
    return [contents(folder / f"found{rank}.pt") for rank in range(2)], folder, err


@pytest.mark.parametrize("way", ["straight", "resumed"])
def test_two_processes_learn_what_one_learns_from_the_joint_batches(joint, way):
    """Also when they go on from its checkpoint."""
    for found in joint[0]:
        torch.testing.assert_close(found[way], play(6, 4), rtol=0, atol=1e-12)


def test_one_process_goes_on_from_the_checkpoint_of_two(joint, tmp_path):
    file = shutil.copy(joint[1] / "pair.pt", tmp_path)
    torch.testing.assert_close(play(6, 6, checkpoint=file, resume=True), play(6, 6), rtol=0, atol=1e-12)


def test_the_first_process_alone_writes_and_the_second_holds_the_same(joint):
    (first, second), folder, _ = joint
    assert same(first["straight"], second["straight"])
    assert same(contents(folder / "pair.pt")["rows"][3]["a.loss"], first["straight"]["losses"][0][3])
    assert {file.name for file in folder.glob("*.pt")} == {"pair.pt", "one.pt", "found0.pt", "found1.pt"}


def test_processes_that_see_different_checkpoints_are_told(joint):
    for rank, found in enumerate(joint[0]):
        name = ("pair.pt", "absent.pt")[rank]
        assert found["error"].startswith(f"{name} holds [4, 0] epochs, by process; give a file in a folder that")


def test_an_interrupt_ends_both_with_one_line_each(joint):
    assert "[rank" not in joint[2] and "SIGINT" in joint[2]
    assert len(re.findall("Process [01] of 2 stops: another one ended, or the run was told to", joint[2])) == 2


def test_progress_is_a_share_when_a_run_goes_on_with_other_batches(tmp_path):
    """As it does with another number of processes, which take fewer steps an epoch."""
    player, seen = Player("line", linear(), squared_error), []
    player.register_forward_pre_hook(lambda player, *_: seen.append(player.progress))
    for batch_size, epochs in ((2, 3), (8, 5)):
        quietly(player, Batches(numbers(16), batch_size), epochs, checkpoint=tmp_path / "run.pt", resume=True)
    assert seen[-4:] == [0.6, 0.7, 0.8, 0.9]


# --- the example ---------------------------------------------------------------------------------------------------

RECORDER = """
import os, runpy, sys, torch
drawn, randn_like = [], torch.randn_like

def recorded(tensor):
    drawn.append(randn_like(tensor))
    return drawn[-1]

torch.randn_like = recorded
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
drawn = [eps for eps in drawn if len(eps) <= 128]  # those of training, not of the test set
torch.save(torch.cat(drawn), f"drawn{os.environ['RANK']}.pt")
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The example, killed on two machines, gone on with on one, killed and restarted there; and a straight run."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "recorder.py").write_text(RECORDER)
    killed, straight, found = folder / "killed.pt", folder / "straight.pt", {"folder": folder}

    with socket.socket() as free:
        free.bind(("localhost", 0))
        near = MACHINES.replace(FAR, f"localhost:{free.getsockname()[1]}")
    launchers = [start(near, "--checkpoint", killed, "--epochs", 1_000_000, folder=folder) for _ in range(2)]
    await_epochs(killed, 2, launchers[0])
    os.kill(children(launchers[0])[0], signal.SIGKILL)
    found["killed at"] = time.monotonic()
    found["said"] = [finish(launcher, code=1)[1] for launcher in launchers]
    found["ended at"] = time.monotonic()
    found["kept"] = len(contents(killed)["rows"])

    epochs = found["kept"] + MORE
    launcher = start(RESTARTING, "--checkpoint", killed, "--epochs", epochs, folder=folder)
    await_epochs(killed, found["kept"] + 1, launcher)
    os.kill(children(launcher)[1], signal.SIGKILL)
    found["restarted"] = finish(launcher)
    record = ["recorder.py", ROOT / EXAMPLE]
    found["straight"] = finish(start(PAIR, "--checkpoint", straight, "--epochs", epochs, folder=folder, script=record))
    return found


def test_a_killed_process_ends_the_run_within_seconds_with_one_line(runs):
    assert runs["ended at"] - runs["killed at"] < 15  # torchrun would wait 30 s for one that does not end
    lines = [line for err in runs["said"] for line in err.splitlines() if "stops: another one ended" in line]
    assert len(lines) == 1 and re.match(r"Process [01] of 2 stops: .* is intact; resume from it to go on\.$", lines[0])
    assert not re.search(r"\[rank\d\]", "".join(runs["said"]))  # what torch puts before a traceback of a process


def test_resumed_runs_end_where_the_straight_one_does_bit_for_bit(runs):
    killed, straight = (contents(runs["folder"] / name) for name in ("killed.pt", "straight.pt"))
    assert runs["kept"] >= 2 and len(killed["rows"]) == runs["kept"] + MORE
    assert len(killed["rng"]) == 2 and same(killed, straight)
    assert runs["restarted"][0].splitlines()[-1] == runs["straight"][0].splitlines()[-1]
    assert "exitcode: -9" in runs["restarted"][1]  # it was killed
    assert not list(runs["folder"].glob(".*.pt"))


def test_processes_draw_different_noise_that_is_standard_normal(runs):
    first, second = (contents(runs["folder"] / f"drawn{rank}.pt").double() for rank in range(2))
    n = len(first)
    assert first.shape == second.shape == (719 * (runs["kept"] + MORE), 20)
    correlation = torch.corrcoef(torch.cat([first, second], 1).T)
    assert correlation[:20, 20:].abs().max() < 4.5 / n**0.5  # of 400; the standard error is 1/√n
    assert abs((first * second).mean()) < 4 / (20 * n) ** 0.5
    both = torch.cat([first, second])
    torch.testing.assert_close(both.mean(0), torch.zeros(20).double(), rtol=0, atol=4 / (2 * n) ** 0.5)
    torch.testing.assert_close(both.var(0), torch.ones(20).double(), rtol=0, atol=4 / n**0.5)  # √(2 / 2n)
    assert stats.kstest(both.flatten().numpy(), "norm").pvalue > 1e-3


def test_one_process_goes_on_from_the_run_of_two_until_it_is_interrupted(runs, tmp_path):
    file = Path(shutil.copy(runs["folder"] / "straight.pt", tmp_path))
    before = len(contents(file)["rows"])
    process = start(ALONE, "--resume", "--checkpoint", file, "--epochs", 1_000_000, folder=tmp_path)
    await_epochs(file, before + 1, process)
    process.send_signal(signal.SIGINT)
    out, err = finish(process)
    epochs, loss = map(float, re.search(r"test loss ([\d.]+) nats after (\d+) epochs\n$", out).groups()[::-1])
    assert f"Stopped in epoch {epochs + 1:.0f}" in out and "Traceback" not in err
    assert before < epochs and len(contents(file)["rows"]) in (epochs, epochs - 1)
    model = VAE()
    model.load_state_dict(contents(file)["players"]["vae"]["net"])
    assert abs(mean_loss(model, load("digits", "test").batch().x) - loss) < 2  # noise, and perhaps a few more steps


def test_the_example_says_what_it_takes_and_is_short(tmp_path):
    out, _ = finish(start(HELP, folder=tmp_path))
    options = {"--help", "--epochs", "--batch-size", "--lr", "--data", "--seed", "--checkpoint", "--resume"}
    assert set(re.findall(r"--[\w-]+(?= |$|\n)", out.partition("options:")[2])) == options
    assert ALONE in out and f"{PAIR} --resume" in out
    assert len((ROOT / EXAMPLE).read_text().splitlines()) <= 80


# --- joined --------------------------------------------------------------------------------------------------------


@pytest.fixture
def group(monkeypatch):
    """Pretend that there is another process. Returns which calls were made."""
    calls = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(distributed, "init_process_group", calls.append)
    monkeypatch.setattr(distributed, "destroy_process_group", lambda: calls.append("destroyed"))
    return calls


def fail(error):
    raise error


ENDS = {
    "interrupt": lambda: os.kill(os.getpid(), signal.SIGINT) or time.sleep(5),
    "end by torchrun": lambda: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(5),
    "Gloo": lambda: fail(RuntimeError("[/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer")),
    "NCCL": lambda: fail(distributed.DistBackendError("NCCL error, ncclRemoteError: A call failed possibly due to")),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_what_ends_the_others_is_one_line_and_an_exit_code(group, end, capsys):
    before = [signal.getsignal(number) for number in processes.SIGNALS]
    with pytest.raises(SystemExit) as stopped, processes.joined():
        end()
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and "stops: another one ended, or the run was told to" in err
    assert stopped.value.code == 1 and group == ["gloo", "destroyed"]
    assert [signal.getsignal(number) for number in processes.SIGNALS] == before


def test_an_error_of_ones_own_comes_through(group):
    with pytest.raises(RuntimeError, match="shapes differ"), processes.joined():
        fail(RuntimeError("shapes differ"))
    assert group == ["gloo", "destroyed"]


def test_a_process_alone_wraps_nothing(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes.joined() as wrap:
        assert wrap is None and place() == (0, 1)


def test_each_process_needs_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    message = "3 processes and 2 GPUs on this machine; give torchrun --nproc-per-node 2"
    with pytest.raises(ValueError, match=message), processes.joined():
        pass
