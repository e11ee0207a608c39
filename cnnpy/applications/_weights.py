"""Pretrained weights: Keras's published files, from the caches or the network."""

from cnnpy.datasets._files import RemoteFile, open_published
from cnnpy.saving import load_weights

KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"


def remote(address, checksum=""):
    """The published file at ADDRESS; its CHECKSUM, as far as Keras has one, an MD5 or SHA-256."""
    kind = {32: {"md5": checksum}, 64: {"sha256": checksum}}.get(len(checksum), {})
    return RemoteFile(
        **{
            "name": address.rsplit("/", 1)[1],
            "sha256": "",
            "size": None,
            "addresses": (address,),
            "room": "models",
            **kind,
        }
    )


def tf_kernels(folder, stem, with_top, without_top):
    """A function of include_top for the usual two files of a network, with their checksums."""

    def published(include_top):
        ending = "" if include_top else "_notop"
        address = f"{KERAS}{folder}/{stem}_weights_tf_dim_ordering_tf_kernels{ending}.h5"
        return remote(address, with_top if include_top else without_top)

    return published


def load_published(model, file):
    """Gives MODEL the weights in the published FILE, fetched into the cache if it is in none.

    Raises OSError, saying which file to put where, if it cannot be had.
    """
    opened, path = open_published(file)
    opened.close()
    load_weights(model, path)
