"""Without oneDNN, which TensorFlow leaves out on older processors, its dilated convolutions fail on a CPU."""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
