"""The sample, the full set from disk and from a server, names and pictures."""

import functools
import gzip
import hashlib
import http.server
import resource
import threading

import gluon_cnn as g
import numpy as np
import pytest
from gluon_cnn.data import fashion_mnist, photos
from mxnet import nd

from tests.data.draw_sample import draw_sample, to_idx

FULL_SET = fashion_mnist.find_fashion_mnist()
needs_full_set = pytest.mark.skipif(FULL_SET is None, reason="the full Fashion-MNIST is not on this machine")

SMALL = {
    "train-images-idx3-ubyte": np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2),
    "train-labels-idx1-ubyte": np.arange(6, dtype=np.uint8),
    "t10k-images-idx3-ubyte": np.arange(2 * 4, dtype=np.uint8).reshape(2, 2, 2),
    "t10k-labels-idx1-ubyte": np.arange(2, dtype=np.uint8),
}


@pytest.fixture
def small_set(monkeypatch, no_usual_places):
    """Take a set of eight pictures for Fashion-MNIST; return a function that writes it into a folder."""
    checksums = {name: hashlib.sha256(gzip.decompress(to_idx(a))).hexdigest() for name, a in SMALL.items()}
    monkeypatch.setattr(fashion_mnist, "CHECKSUMS", checksums)

    def write(folder, zipped=True):
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in SMALL.items():
            raw = to_idx(array)
            (folder / (f"{name}.gz" if zipped else name)).write_bytes(raw if zipped else gzip.decompress(raw))
        return folder

    return write


def test_the_sample_is_balanced_and_whole():
    train, test = g.load_data("sample", 64)
    assert (train.images.shape, test.images.shape) == ((4000, 1, 28, 28), (1000, 1, 28, 28))
    assert np.bincount(train.labels).tolist() == [400] * 10
    assert np.bincount(test.labels).tolist() == [100] * 10
    assert (len(train), len(test)) == (63, 16)
    assert train.shuffle
    assert not test.shuffle


@needs_full_set
def test_the_sample_is_what_its_script_draws():
    for name, array in draw_sample().items():
        assert (fashion_mnist.SAMPLE_FOLDER / f"{name}.gz").read_bytes()[10:] == to_idx(array)[10:]


@needs_full_set
def test_the_full_set():
    train, test = g.load_data_fashion_mnist(256)
    assert (train.images.shape, test.images.shape) == ((60_000, 1, 28, 28), (10_000, 1, 28, 28))
    assert np.bincount(train.labels).tolist() == [6000] * 10
    X, y = next(iter(test))
    assert (X.shape, X.dtype, y.dtype) == ((256, 1, 28, 28), np.float32, np.int32)
    assert 0 <= X.min().asscalar() < X.max().asscalar() <= 1


def test_arrays():
    images, labels = np.arange(40, dtype=np.uint8).reshape(20, 1, 2), np.arange(20) % 2
    train, test = g.load_data((nd.array(images, dtype="uint8"), labels), 4)
    assert (len(train.labels), len(test.labels)) == (16, 4)
    assert np.bincount(test.labels).tolist() == [2, 2]
    together = np.concatenate([train.images, test.images])
    assert sorted(together[:, 0, 0, 0]) == images[:, 0, 0].tolist()
    np.testing.assert_array_equal(test.images[:, 0, 0, 0] // 2 % 2, test.labels)  # picture and label stay together
    train, test = g.load_data(((images, labels), (images[:3], labels[:3])), 4)
    assert (len(train.labels), len(test.labels)) == (20, 3)
    assert train.classes == test.classes == ("0", "1")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ("mnist", "'mnist'; choose one of 'sample', 'fashion-mnist'"),
        ((np.zeros((2, 3, 3)), np.zeros(2, int), 1), r"arrays must be \(images, labels\), or two such pairs"),
        ((np.zeros((3, 3, 3)), np.zeros(4, int)), r"images and labels must be .* got \(3, 3, 3\) and \(4,\)"),
        ((np.zeros((3, 3, 3)), np.eye(3)), r"got \(3, 3, 3\) and \(3, 3\)"),
        ((np.zeros((3, 3, 3)), np.array([0, 0, 1])), "class 1 contains a single image"),
        ((np.zeros((4, 3, 3)), np.array([0, 0, -1, -1])), "labels must be numbers from 0 to .*; got -1 to"),
    ],
)
def test_no_data_set(arrays, message):
    with pytest.raises(ValueError, match=message):
        g.load_data(arrays, 4)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["root", "environment", "mxnet", "debian"])
def test_each_place_is_looked_in(monkeypatch, small_set, no_usual_places, place, zipped):
    folder = {
        "mxnet": no_usual_places / "mxnet-home" / "datasets" / "fashion-mnist",
        "debian": no_usual_places / "debian",
    }.get(place, no_usual_places / "mine")
    small_set(folder, zipped)
    if place == "environment":
        monkeypatch.setenv("GLUON_CNN_DATA", str(folder))
    train, test = g.load_data_fashion_mnist(4, root=folder if place == "root" else None)
    np.testing.assert_array_equal(train.images[:, 0], SMALL["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(test.labels, SMALL["t10k-labels-idx1-ubyte"])
    small_set(no_usual_places / "first")
    assert fashion_mnist.find_fashion_mnist(no_usual_places / "first") == no_usual_places / "first"


def test_nothing_found_lists_the_places_and_the_remedies(monkeypatch, small_set, no_usual_places):
    monkeypatch.setenv("GLUON_CNN_DATA", str(no_usual_places / "variable"))
    folder = small_set(no_usual_places / "root")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        g.load_data_fashion_mnist(4, root=folder)
    message = str(caught.value)
    for wrong in ({"resize": -3}, {"batch_size": 0}):  # which would be wrong with the data, too
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
            g.load_data_fashion_mnist(**{"batch_size": 4, **wrong})
    assert f"{folder} (without t10k-labels-idx1-ubyte)" in message
    for place in ("variable", "mxnet-home/datasets/fashion-mnist", "debian"):
        assert f"{no_usual_places / place} (no such folder)" in message
    for command in ("make data", "apt-get install dataset-fashion-mnist"):
        assert command in message


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: to_idx(SMALL["train-images-idx3-ubyte"] + 1)])
def test_a_damaged_file_is_refused_by_name(small_set, no_usual_places, damage):
    folder = small_set(no_usual_places / "mine")
    small_set(no_usual_places / "debian")  # a good copy elsewhere is no excuse
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz"):
        g.load_data_fashion_mnist(4, root=folder)


class Server(http.server.SimpleHTTPRequestHandler):
    """A file server that knows ranges, keeps a record and can hang up early."""

    requests: list = []  # noqa: RUF012 - shared by all requests on purpose
    hang_up_after: dict = {}  # noqa: RUF012

    def log_message(self, *args):
        pass

    def do_GET(self):
        name = self.path.lstrip("/")
        self.requests.append((name, self.headers.get("Range")))
        path = self.directory + "/" + name
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            self.send_error(404)
            return
        start = int(self.headers["Range"][len("bytes=") : -1]) if self.headers.get("Range") else 0
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : self.hang_up_after.pop(name, None)])


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    Server.requests.clear()
    Server.hang_up_after.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def test_download(small_set, server, tmp_path):
    small_set(server[0])
    folder = fashion_mnist.download_fashion_mnist(tmp_path / "new", [server[1]])
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.gz" for name in SMALL)
    train, _ = g.load_data_fashion_mnist(4, root=folder)
    assert train.labels.tolist() == list(range(6))
    Server.requests.clear()
    fashion_mnist.download_fashion_mnist(folder, [server[1]])
    assert not Server.requests  # what is there is not downloaded again


def test_a_download_that_was_cut_off_goes_on(monkeypatch, small_set, server, tmp_path):
    monkeypatch.setattr("gluon_cnn.data.download.CHUNK", 10)
    small_set(server[0])
    Server.hang_up_after["train-images-idx3-ubyte.gz"] = 20
    with pytest.raises(OSError, match="train-images-idx3-ubyte.gz could not be downloaded"):
        fashion_mnist.download_fashion_mnist(tmp_path / "new", [server[1]])
    (part,) = (tmp_path / "new").iterdir()
    assert (part.name, part.stat().st_size) == ("train-images-idx3-ubyte.part.gz", 20)
    assert fashion_mnist.find_fashion_mnist(tmp_path / "new") is None
    folder = fashion_mnist.download_fashion_mnist(tmp_path / "new", [server[1]])
    assert ("train-images-idx3-ubyte.gz", "bytes=20-") in Server.requests
    assert not list(folder.glob("*.part*"))
    g.load_data_fashion_mnist(4, root=folder)


def test_the_second_host_is_asked_when_the_first_has_nothing(small_set, server, tmp_path):
    small_set(server[0] / "mirror")
    folder = fashion_mnist.download_fashion_mnist(tmp_path / "new", [server[1], server[1] + "mirror/"])
    g.load_data_fashion_mnist(4, root=folder)


def test_wrong_contents_are_not_kept(small_set, server, tmp_path):
    small_set(server[0])
    (server[0] / "t10k-labels-idx1-ubyte.gz").write_bytes(to_idx(np.zeros(2, np.uint8)))
    with pytest.raises(OSError, match=r"t10k-labels.* could not be downloaded:(.|\n)*incorrect SHA-256"):
        fashion_mnist.download_fashion_mnist(tmp_path / "new", [server[1]])
    assert not list((tmp_path / "new").glob("t10k-labels*"))


def test_a_download_when_it_is_asked_for_and_not_before(monkeypatch, small_set, server, tmp_path):
    small_set(server[0])
    download = functools.partial(fashion_mnist.download_fashion_mnist, hosts=[server[1]])
    monkeypatch.setattr(fashion_mnist, "download_fashion_mnist", lambda *a: pytest.fail("the network was used"))
    with pytest.raises(FileNotFoundError):
        g.load_data_fashion_mnist(4)
    monkeypatch.setattr(fashion_mnist, "download_fashion_mnist", download)
    train, _ = g.load_data_fashion_mnist(4, root=tmp_path / "new", download=True)
    assert len(train.labels) == 6


def test_names_of_labels():
    assert g.fashion_mnist_labels([0, 9]) == ["t-shirt", "ankle boot"]
    assert g.fashion_mnist_labels(nd.array([3, 5], dtype="int32")) == ["dress", "sandal"]
    assert len(set(fashion_mnist.FASHION_MNIST_CLASSES)) == 10
    for wrong in (10, -1, 0.5):
        with pytest.raises(ValueError, match=f"0 to 9; got {wrong}"):
            g.fashion_mnist_labels([0, wrong])


def test_pictures():
    pytest.importorskip("skimage")
    cat = photos.cat()
    assert (cat.shape, cat.dtype) == ((300, 451, 3), np.uint8)
    for name in photos.PHOTOS:
        assert photos.load_photo(name).shape[0] >= 300
    with pytest.raises(ValueError, match="no photo 'dog'; choose one of 'astronaut'"):
        photos.load_photo("dog")


def test_pictures_need_scikit_image(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skimage", None)
    with pytest.raises(ImportError, match="pip install scikit-image"):
        photos.cat()


def test_the_sample_carries_its_licence():
    text = (fashion_mnist.SAMPLE_FOLDER / "LICENSE").read_text()
    assert "The MIT License" in text
    assert "Zalando" in text
    assert sum(f.stat().st_size for f in fashion_mnist.SAMPLE_FOLDER.iterdir()) < 2.5e6


def test_a_full_disk_ends_a_download_which_goes_on_later(small_set, server, tmp_path):
    small_set(server[0])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match=r"train-images-idx3-ubyte.part.gz could not be written: File too large"):
            fashion_mnist.download_fashion_mnist(tmp_path / "here", hosts=[server[1]])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert fashion_mnist.download_fashion_mnist(tmp_path / "here", hosts=[server[1]]) == tmp_path / "here"


@pytest.mark.parametrize("found", ["nothing", "other contents"])
def test_a_download_that_failed_leaves_no_folder(small_set, server, tmp_path, found):
    folder, address = tmp_path / "deep" / "new", server[1] if found != "nothing" else "http://127.0.0.1:9/"
    if found != "nothing":
        (server[0] / "train-images-idx3-ubyte.gz").write_bytes(to_idx(np.zeros(2, np.uint8)))
    with pytest.raises(OSError, match=f"could not be downloaded(.|\n)*{address}train-images"):
        fashion_mnist.download_fashion_mnist(folder, [address])
    assert not (tmp_path / "deep").exists()
    folder.mkdir(parents=True)  # who made it keeps it
    with pytest.raises(OSError, match="could not be downloaded"):
        fashion_mnist.download_fashion_mnist(folder, [address])
    assert folder.is_dir()


def test_two_downloads_at_once_are_one(small_set, server, tmp_path):
    small_set(server[0])
    done = []

    def download():
        done.append(fashion_mnist.download_fashion_mnist(tmp_path / "new", [server[1]]))

    threads = [threading.Thread(target=download) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    assert len(Server.requests) == len(SMALL)
    assert fashion_mnist.read_fashion_mnist(tmp_path / "new")[0][1].tolist() == list(range(6))
