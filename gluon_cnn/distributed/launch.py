"""Starting and stopping all processes of a distributed training run, for ``gluon-cnn launch``."""

import ctypes
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gluon_cnn._core.checks import check_int
from gluon_cnn._core.startup import available_cores, parse_omp_num_threads

SHUTDOWN_TIMEOUT = 10  # seconds, for servers after the workers finish, and for processes told to stop
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
# With DMLC_ROLE=server or scheduler, the import serves and then exits; it returns only if MXNet cannot be imported.
SERVE = ("-c", "from gluon_cnn._core import startup; raise SystemExit(startup.mxnet_problem())")
FORWARDED_VARIABLES = (
    "GLUON_CNN_DATA",
    "MXNET_HOME",
    "TQDM_DISABLE",
    "DMLC_INTERFACE",
)  # for other machines


@dataclass(frozen=True)
class Host:
    """A machine reachable by ssh: its name or address, and its port unless ssh's configuration gives it."""

    name: str
    port: int | None = None

    def address(self) -> str:
        """Return the IPv4 address of the host, resolving ssh's aliases."""
        if not shutil.which("ssh"):
            raise FileNotFoundError(
                f"{self.name} is reached over ssh, which is not installed: apt-get install openssh-client"
            )
        known = subprocess.run(["ssh", "-G", self.name], capture_output=True, text=True, check=False).stdout
        names = [line.split()[1] for line in known.splitlines() if line.startswith("hostname ")]
        try:
            return socket.gethostbyname(names[0] if names else self.name)
        except OSError as error:
            raise OSError(f"{self.name} has no address ({error})") from error


def read_hosts(path: str | Path) -> list[Host]:
    """Read a host file with one ``host`` or ``host:port`` per line; # starts a comment."""
    hosts = []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file") from None
    for number, line in enumerate(lines, 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        match = re.fullmatch(r"(\w[\w.-]*)(?::(\d+))?", text)
        if not match or int(match[2] or 1) not in range(1, 2**16):
            raise ValueError(f"{path}, line {number}: {text!r} is not host or host:port")
        hosts.append(Host(match[1], int(match[2]) if match[2] else None))
    if not hosts:
        raise ValueError(f"{path} names no host")
    return hosts


def launch(
    command: Sequence[str], workers: int, servers: int = 1, hosts: Sequence[Host] = (), address: str | None = None
) -> int:
    """Run a program in several workers, with a scheduler and servers, until all have finished or one fails.

    ``command`` contains the arguments for Python, such as ``["-m", "gluon_cnn.cli", "train", "lenet", "--kvstore",
    "dist_sync"]``. Workers and servers are started on ``hosts`` in turn, over ssh; each host needs the package in the
    same folder as this machine. Without hosts, all processes run on this machine and share its cores. ``address``
    is this machine's address, by default the one used to reach the first host.

    Return 0, or 1 if a process failed; its name and status are then printed to stderr, and all processes are stopped.
    """
    workers, servers = check_int("workers", workers, 1), check_int("servers", servers, 1)
    addresses = {host: host.address() for host in hosts}
    root = address or (_address_towards(addresses[hosts[0]]) if hosts else "127.0.0.1")
    own = [f"{host.name} ({where})" for host, where in addresses.items() if where.startswith("127.")]
    if len(set(addresses.values())) > 1 and (own or root.startswith("127.")):
        raise ValueError(f"{own[0] if own else root} is an address that other machines cannot reach: pass another")
    common = {
        "DMLC_PS_ROOT_URI": root,
        "DMLC_PS_ROOT_PORT": str(_free_port(root)),
        "DMLC_NUM_WORKER": str(workers),
        "DMLC_NUM_SERVER": str(servers),
    }
    if parse_omp_num_threads():
        common["OMP_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
    elif not hosts:
        common["OMP_NUM_THREADS"] = str(max(1, available_cores() // workers))
    passed_on = {name: os.environ[name] for name in FORWARDED_VARIABLES if name in os.environ}
    processes: dict[str, subprocess.Popen] = {}
    with _terminate_on_exit(processes):
        processes["the scheduler"] = _local(SERVE, {**common, "DMLC_ROLE": "scheduler", "DMLC_NODE_HOST": root})
        for role, count, program in (("server", servers, SERVE), ("worker", workers, command)):
            for number in range(count):
                variables = {**common, "DMLC_ROLE": role}
                if hosts:
                    host = hosts[number % len(hosts)]
                    name = f"{role} {number} on {host.name}"
                    processes[name] = _remote(host, addresses[host], program, {**passed_on, **variables})
                else:
                    processes[f"{role} {number}"] = _local(program, {**variables, "DMLC_NODE_HOST": root})
        failed = _wait(processes)
    if failed:
        print(f"gluon-cnn launch: {failed}; all others were stopped", file=sys.stderr)
    return int(bool(failed))


def _wait(processes: dict[str, subprocess.Popen]) -> str | None:
    """Wait until all workers have finished; return a description of the first failure."""
    while True:
        for name, process in processes.items():
            status = process.poll()
            if status:
                return f"{name} {_in_words(status)}"
        running = [name for name, process in processes.items() if process.returncode is None]
        if not any(name.startswith("worker") for name in running):
            break
        time.sleep(0.1)
    end = time.monotonic() + SHUTDOWN_TIMEOUT
    for process in processes.values():
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, end - time.monotonic()))
    return None


def _in_words(status: int) -> str:
    if status < 0:
        names = {s.value: s.name for s in signal.Signals}
        return f"was terminated by {names.get(-status, f'signal {-status}')} (status {status})"
    return f"ended with status {status}"


@contextmanager
def _terminate_on_exit(processes: dict[str, subprocess.Popen]) -> Iterator[None]:
    """Stop all processes that are still running when the context exits for any reason."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        for how in (signal.SIGTERM, signal.SIGKILL):
            running = [process for process in processes.values() if process.poll() is None]
            for process in running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, how)
            end = time.monotonic() + SHUTDOWN_TIMEOUT
            for process in running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, end - time.monotonic()))


def _local(command: Sequence[str], variables: dict[str, str]) -> subprocess.Popen:
    return _spawn([sys.executable, *command], {**os.environ, **variables})


def _remote(host: Host, address: str, command: Sequence[str], variables: dict[str, str]) -> subprocess.Popen:
    """Start a command over ssh, in the same folder, with a terminal so that it ends when ssh does."""
    variables = {**variables, "DMLC_NODE_HOST": address}
    settings = shlex.join(f"{name}={value}" for name, value in variables.items())
    there = f"cd {shlex.quote(os.getcwd())} && exec env {settings} {shlex.join([sys.executable, *command])}"
    options = ["-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", *(["-p", str(host.port)] if host.port else [])]
    return _spawn(["ssh", "-tt", *options, host.name, there], dict(os.environ))


def _spawn(command: list[str], environment: dict[str, str]) -> subprocess.Popen:
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_the_launcher
    )


def _end_with_the_launcher() -> None:
    """Make Linux kill this process when its parent dies, even by SIGKILL."""
    if LIBC:
        LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _free_port(address: str) -> int:
    try:
        with socket.create_server((address, 0)) as free:
            return free.getsockname()[1]
    except OSError as error:
        raise OSError(f"{address} is not an address of this machine ({error.strerror})") from None


def _address_towards(address: str) -> str:
    """Return this machine's address on the route to another; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:
        towards.connect((address, 9))
        return towards.getsockname()[0]
