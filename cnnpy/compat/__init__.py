"""Programs written for Keras or tf.keras run on cnnpy unedited, in this process only.

After `cnnpy.compat.install()`, or `%load_ext cnnpy.compat` in a notebook, `import keras`, `import tensorflow as tf`,
`from tensorflow.keras.layers import Conv2D` and the like lead to cnnpy: to its own modules and classes, under other
names. Of TensorFlow itself there are `tf.keras` and `tf.GradientTape`; all else says that it is missing. Importing
cnnpy, or this module, changes nothing.
"""

from cnnpy.compat._finder import install, installed, uninstall
from cnnpy.compat._record import emulated

__all__ = ["emulated", "install", "installed", "load_ipython_extension", "uninstall", "unload_ipython_extension"]


def load_ipython_extension(ipython):
    """What `%load_ext cnnpy.compat` calls."""
    install()


def unload_ipython_extension(ipython):
    """What `%unload_ext cnnpy.compat` calls."""
    uninstall()
