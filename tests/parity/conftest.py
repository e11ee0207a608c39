"""TensorFlow computes dilated 3-D and transposed convolutions on a CPU only with oneDNN, which it leaves out on older processors."""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
