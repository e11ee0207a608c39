"""One table of calls of cnnpy.ops, at least one for each name. The tests that walk it compare with NumPy, with finite
differences, with the same call inside a functional model, and with Keras."""

import numpy as np

F32 = "float32"


def _normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(F32)


X = _normal(3, 4)
Y = _normal(3, 4, seed=1)
V = _normal(5, seed=2)
W = _normal(4, seed=3)
CUBE = _normal(2, 3, 4, seed=4)
POSITIVE = np.abs(X) + np.float32(0.3)
UNIT = np.tanh(X).astype(F32) * np.float32(0.9)
PROBABILITIES = (POSITIVE / POSITIVE.sum(1, keepdims=True)).astype(F32)
# Numbers that differ by 0.1 and more, in random order.
DISTINCT = (0.1 * np.random.default_rng(5).permutation(24).reshape(2, 3, 4) - 1.17).astype(F32)
WHOLE = np.array([[3, -2, 5], [0, 7, -1]], "int32")
BYTES = np.array([[3, 250, 5], [0, 7, 1]], "uint8")
LONG = WHOLE.astype("int64")
TRUTH = np.array([[True, False, True], [False, False, True]])
HOLES = X.copy()
HOLES[0, 1] = HOLES[2] = np.nan
SQUARE = _normal(3, 3, seed=6) + 2 * np.eye(3, dtype=F32)
STACK = _normal(2, 3, 3, seed=7) + 2 * np.eye(3, dtype=F32)
SYMMETRIC = (STACK @ STACK.transpose(0, 2, 1) + np.eye(3, dtype=F32)).astype(F32)
TALL = _normal(4, 3, seed=8)
IMAGES = _normal(2, 6, 4, 3, seed=9)
KERNEL = _normal(3, 2, 3, 4, seed=10)
LINE_KERNEL = KERNEL[0].transpose(0, 2, 1)
VOLUMES = _normal(2, 4, 5, 3, 3, seed=12)
VOLUME_KERNEL = _normal(2, 3, 1, 3, 4, seed=13)
POINTS = _normal(1, 1, 12, 5, seed=14)
CLASSES = np.array([2, 0, 1], "int32")
SEGMENTS = np.array([0, 2, 0, 2, 3], "int32")
LONE = np.array([[1.0, -2.0, 0.5]], F32)

TABLE = []


def row(name, *args, gradient=True, symbolic=True, keras=True, **kwargs):
    """A call of NAME. GRADIENT: it has one, in all float arrays of ARGS. SYMBOLIC: it can be a step of a model. KERAS:
    Keras on TensorFlow gives the same."""
    TABLE.append((name, args, kwargs, gradient, symbolic, keras))


def rows(names, *args, **kwargs):
    for name in names.split():
        row(name, *args, **kwargs)


# ---- elements ----
rows("abs absolute negative square exp expm1 sin cos tan arctan sinh cosh arcsinh exp2 erf erfc sinc fabs", X)
rows("arcsin arccos arctanh erfinv", UNIT)
rows("log log2 log10 log1p sqrt rsqrt reciprocal cbrt", POSITIVE)
rows("i0 deg2rad rad2deg conj conjugate real copy", X)
row("arccosh", POSITIVE + 1)
rows("sign floor ceil trunc round isnan isfinite isinf isposinf isneginf signbit logical_not isreal", X, gradient=False)
rows("isnan isfinite isinf isposinf isneginf signbit isreal", np.float32([1, -0.0, np.inf, -np.inf]), gradient=False)
rows("abs negative square sign trunc exp sqrt sin logical_not fabs deg2rad", np.abs(WHOLE), gradient=False)
rows("floor ceil", WHOLE, gradient=False)
row("round", X, decimals=1, gradient=False)
row("round", WHOLE, decimals=-1, gradient=False)
rows("add subtract multiply divide true_divide maximum minimum arctan2 hypot logaddexp logaddexp2 fmax fmin", X, Y)
rows("add subtract multiply divide maximum arctan2", CUBE, W)
rows("add multiply divide floor_divide mod fmod maximum minimum", WHOLE, np.int32([2, -3, 4]), gradient=False)
rows("add multiply power maximum equal", X, 2)
rows("divide_no_nan", X, np.where(Y > 0, Y, 0).astype(F32), gradient=False)
rows("divide_no_nan mod fmod", X, POSITIVE)
row("floor_divide", X, POSITIVE, gradient=False)
row("power", POSITIVE, Y)
row("heaviside", X, Y)
row("heaviside", np.float32([-1, 0, 2]), np.float32(0.5), gradient=False)
row("nextafter", X, Y, gradient=False)
row("ldexp", X, np.int32([1, -2, 3, 0]))
rows("equal not_equal less less_equal greater greater_equal", X, Y, gradient=False)
rows("equal less", WHOLE, LONG, gradient=False)
rows("logical_and logical_or logical_xor", TRUTH, ~TRUTH, gradient=False)
row("where", TRUTH, LONE, -LONE)
row("clip", X, -0.5, 0.5)
row("clip", WHOLE, 0, 4, gradient=False)
row("select", [X > 1, X > 0], [X, Y], 0.5)
row("isclose", X, X + np.float32(1e-7), gradient=False)
row("allclose", X, X + np.float32(1e-7), gradient=False)
row("nan_to_num", HOLES, nan=2.0, gradient=False)
row("stop_gradient", X, gradient=False)
row("cast", X, "int32", gradient=False)
row("cast", X, "float64", gradient=False)
row("saturate_cast", X * 200, "uint8", gradient=False)

# ---- bits ----
rows("bitwise_and bitwise_or bitwise_xor gcd lcm", np.abs(WHOLE), np.int32([6, 4, 3]), gradient=False)
rows("bitwise_left_shift left_shift bitwise_right_shift right_shift", WHOLE, np.int32([1, 2, 3]), gradient=False)
rows("bitwise_invert bitwise_not", WHOLE, gradient=False)
rows("abs absolute trunc tril triu", TRUTH, gradient=False)
row("relu", WHOLE, gradient=False)
row("diag", TRUTH[0], gradient=False)
row("bitwise_and", TRUTH, ~TRUTH, gradient=False, keras=False)

# ---- reductions ----
for axis in (None, 0, -1, (0, 2)):
    rows("sum mean var std prod nansum nanmean nanvar nanstd nanprod logsumexp", CUBE, axis=axis)
    rows("max min amax amin ptp nanmax nanmin", DISTINCT, axis=axis)
    rows("all any", CUBE > 0, axis=axis, gradient=False)
    row("count_nonzero", CUBE > 0, axis=axis, gradient=False)
rows("sum mean max prod logsumexp nansum", CUBE, axis=1, keepdims=True)
rows("sum prod mean var max min cumsum cumprod ptp", WHOLE, axis=1, gradient=False)
rows("sum mean cumsum count_nonzero", TRUTH, axis=0, gradient=False)
rows("sum", LONG, gradient=False)
rows("nansum nanmean nanvar nanstd nanprod nanmax nanmin nancumsum nancumprod", HOLES, axis=1, gradient=False)
rows("nanmean nanmax nanargmax nanargmin", WHOLE, axis=1, gradient=False)
rows("nanargmax nanargmin", HOLES, axis=1, gradient=False)
row("max", DISTINCT, axis=0, initial=0.3)
rows("argmax argmin", DISTINCT, axis=1, gradient=False)
rows("argmax argmin", DISTINCT, gradient=False)
for axis in (None, 0, -1):
    rows("cumsum cumprod nancumsum nancumprod", CUBE, axis=axis)
row("cumsum", WHOLE, axis=1, dtype="float32", gradient=False)
row("average", X, axis=1, weights=np.abs(W))
row("average", X, weights=POSITIVE)
row("moments", CUBE, axes=[0, 1])
row("diff", CUBE)
row("diff", X, n=2, axis=0)
row("trapezoid", CUBE, dx=0.5, axis=1)
row("trapezoid", X, W)

# ---- statistics ----
for method in ("linear", "lower", "higher", "midpoint", "nearest"):
    rows("quantile nanquantile", DISTINCT, np.float32([0.1, 0.5, 0.77]), axis=1, method=method, gradient=False)
rows("quantile nanquantile", DISTINCT, 0.3, axis=(0, 2), keepdims=True)
rows("percentile nanpercentile", DISTINCT, 30.0, axis=-1)
rows("median nanmedian", DISTINCT, axis=1)
rows("median nanmedian", DISTINCT)
row("nanmedian", HOLES[:2], axis=1, gradient=False)
row("nanquantile", HOLES[:2], 0.25, axis=1, gradient=False)
row("corrcoef", CUBE[0])
for mode in ("valid", "same", "full"):
    row("correlate", V, np.float32([0.5, -1, 2]), mode=mode)
row("histogram", V, bins=4, gradient=False)
row("histogram", V, bins=3, range=(-1.0, 1.0), gradient=False)
rows("bartlett blackman hamming hanning", 7, gradient=False, symbolic=False)
row("kaiser", 7, 5.0, gradient=False, symbolic=False)
row("bincount", np.int32([3, 1, 1, 5]), gradient=False, symbolic=False)
row("bincount", np.int32([[3, 1], [1, 0]]), minlength=6, gradient=False, symbolic=False)
row("bincount", np.int32([3, 1, 1, 5, 0]), V, symbolic=False)
row("digitize", X, np.float32([-1, 0, 0.5]), gradient=False)

# ---- products ----
rows("matmul dot", X, Y.T)
rows("matmul dot", WHOLE, WHOLE.T, gradient=False)
row("matmul", CUBE, CUBE.transpose(0, 2, 1))
row("dot", CUBE, _normal(3, 4, 2))
row("dot", X, 2.0)
row("inner", CUBE, X)
rows("inner vdot outer kron", V, V)
row("vdot", X, Y)
row("outer", W, V)
row("kron", X, LONE)
row("cross", TALL, TALL[::-1].copy())
row("cross", TALL, TALL[:, :2].copy())
row("cross", TALL[:, :2].copy(), TALL[:, 1:].copy())
row("cross", CUBE, CUBE[::-1].copy(), axis=1)
row("tensordot", CUBE, _normal(4, 3, 5), axes=[[1, 2], [1, 0]])
row("tensordot", CUBE, X, axes=2)
row("tensordot", V, W, axes=0)
row("trace", CUBE)
row("trace", CUBE, offset=1, axis1=1, axis2=2)
row("trace", WHOLE, gradient=False)
row("vander", V, N=3)
row("vander", V, increasing=True)
for subscripts, operands in {
    "ij,jk": (X, Y.T),
    "ij,jk->ki": (X, Y.T),
    "ij->ji": (X,),
    "ij->": (X,),
    "ii": (SQUARE,),
    "ii->i": (SQUARE,),
    "aii->a": (STACK,),
    "i,j->ij": (V, W),
    "ij,ij->": (X, Y),
    "ij,ij->ij": (X, Y),
    "ij,jk,kl->il": (X, Y.T, X),
    "bij,bjk->bik": (CUBE, CUBE.transpose(0, 2, 1)),
    "...ij,...jk->...ik": (CUBE, Y.T),
    "...ij->...": (CUBE,),
    "i...->...": (CUBE,),
    "ijk,ilk->jl": (CUBE, CUBE),
    "ij,k->ik": (X, V),
    "... ij , kj -> ki...": (CUBE, X),
    "i,i,i->i": (V, V, V),
}.items():
    row("einsum", subscripts, *operands)
row("einsum", "...i,...i", CUBE, X, keras=False)
row("einsum", "ij,jk->ik", WHOLE, WHOLE.T, gradient=False)
row("einsum", "...i,...i->...", CUBE[:1], CUBE)

# ---- shapes and places ----
row("reshape", X, (2, -1))
row("ravel", CUBE)
row("transpose", CUBE, axes=(2, 0, 1))
row("swapaxes", CUBE, 0, -1)
row("moveaxis", CUBE, 0, -1)
row("expand_dims", X, 1)
row("expand_dims", X, (0, -1))
row("squeeze", LONE, 0)
row("broadcast_to", W, (3, 4))
row("flip", CUBE, axis=1)
rows("fliplr flipud", CUBE)
for k in range(-1, 5):
    row("rot90", X, k, keras=k != 2)
row("rot90", CUBE, 1, (1, 2))
row("roll", X, 3, axis=1)
row("roll", X, -2)
row("repeat", X, 2, axis=0)
row("repeat", X, 2)
row("tile", X, (2, 1))
row("pad", X, ((1, 2), (0, 1)), constant_values=3.0)
row("pad", X, ((1, 2), (0, 1)), mode="reflect")
row("pad", X, ((1, 1), (1, 1)), mode="symmetric")
row("view", X, "int32", gradient=False)
row("view", X, "uint8", gradient=False)
row("view", BYTES.reshape(1, 6)[:, :4].copy(), "int32", gradient=False)
rows("concatenate", [X, Y], axis=-1)
row("stack", [X, Y], axis=1)
rows("hstack vstack dstack", [X, Y])
rows("hstack dstack", [V, V])
row("vstack", [V, V], keras=False)
row("append", X, V)
row("append", X, LONE[:, :1].repeat(4, 1), axis=0)
row("split", CUBE, 2, axis=2)
row("split", CUBE, [1, 3], axis=2)
row("array_split", CUBE, 3, axis=2)
row("array_split", V, 3)
rows("hsplit", CUBE, [1])
row("hsplit", V, 5)
row("vsplit", CUBE, 2)
row("dsplit", CUBE, 2)
row("unstack", CUBE, axis=1)
row("meshgrid", V, W)
row("meshgrid", V, W, LONE[0], indexing="ij")
row("take", X, [2, 0], axis=0)
row("take", X, np.int32([[1, 5]]))
row("take", X, -1, axis=1)
row("take_along_axis", X, np.array([[1], [0], [2]]), axis=1)
row("get_item", CUBE, (1, np.s_[::2]))
row("slice", CUBE, [0, 1, 0], [1, 2, 4])
row("slice_update", CUBE, [0, 1, 0], X[None, :2].copy())
row("nonzero", TRUTH, gradient=False, symbolic=False)
row("diag", V)
row("diag", V, k=-2)
row("diag", X, k=1)
row("diag", X, k=-1)
row("diagflat", X, k=1)
row("diagonal", CUBE)
row("diagonal", CUBE, 1, -1, 0)
row("diagonal", X, -2)
row("tril", CUBE, k=-1)
row("triu", CUBE, k=1)
row("unravel_index", np.int32([5, 0, 11]), (3, 4), gradient=False, symbolic=False)
row("space_to_depth", IMAGES, 2)
row("depth_to_space", _normal(1, 2, 3, 8), 2)
row("depth_to_space", _normal(1, 8, 2, 3), 2, data_format="channels_first")
row("unfold", IMAGES, (2, 3), dilation=1, padding=1, stride=(2, 1))
row("unfold", IMAGES, 2, dilation=(2, 1))
row("fold", _normal(2, 12, 6, seed=3), (3, 4), 2)
row("fold", _normal(2, 12, 12, seed=3), (5, 3), 2, padding=1, stride=(2, 1))
row("extract_sequences", CUBE, 2, 1)

# ---- order ----
row("sort", DISTINCT, axis=1)
row("argsort", DISTINCT, axis=0, gradient=False)
row("top_k", DISTINCT, 2)
row("in_top_k", CLASSES, X, 2, gradient=False)
row("argpartition", np.float32([3, 1, 2]), 2, gradient=False, keras=False)
row("searchsorted", np.float32([0, 1, 1, 2]), np.float32([1, -1, 5]), gradient=False)
row("searchsorted", np.float32([0, 1, 1, 2]), np.float32([[1.0, 0.5]]), side="right", gradient=False)
row(
    "unique",
    np.int32([3, 1, 3, 2]),
    return_index=True,
    return_inverse=True,
    return_counts=True,
    gradient=False,
    symbolic=False,
)
row("unique", np.int32([[3, 1], [3, 1], [0, 5]]), axis=0, return_counts=True, gradient=False, symbolic=False)
row("unique", np.int32([3, 1, 3, 2]), sorted=False, return_inverse=True, gradient=False, symbolic=False)
row(
    "unique",
    np.int32([3, 1, 3, 2]),
    size=5,
    fill_value=9,
    return_index=True,
    return_counts=True,
    gradient=False,
    symbolic=False,
)
row("unique", np.int32([3, 1, 3, 2]), size=2, gradient=False, symbolic=False)
row("isin", WHOLE, np.int32([7, 3]), gradient=False)
row("isin", WHOLE, np.int32([7, 3]), invert=True, gradient=False)

# ---- scattering ----
PLACES = np.array([[0], [3], [0]], "int32")
row("scatter", PLACES, X, (5, 4), symbolic=False)
row("scatter", np.int32([[0, 1], [2, 0]]), V[:2], (3, 2), symbolic=False)
for reduction in (None, "add", "max", "min", "mul"):
    row("scatter_update", _normal(5, 4), PLACES[:2], X[:2], reduction, symbolic=False)
rows("segment_sum segment_prod", V, SEGMENTS, num_segments=5, symbolic=False)
rows("segment_max segment_min", V, SEGMENTS, num_segments=5, gradient=False, symbolic=False)
rows("segment_max segment_min", V, np.int32([0, 2, 0, 2, 1]), symbolic=False)
rows("segment_sum segment_max", _normal(5, 3), np.int32([0, 0, 1, 1, 1]), sorted=True, symbolic=False)
rows("segment_max segment_min segment_prod", WHOLE, np.int32([1, 1]), num_segments=2, gradient=False, symbolic=False)

# ---- new tensors ----
rows("zeros ones empty", (2, 3), gradient=False, symbolic=False, keras=True)
row("full", (2,), 7.0, gradient=False, symbolic=False)
rows("zeros_like ones_like empty_like", X, gradient=False)
row("full_like", X, 2.0, gradient=False)
row("arange", 1, 7, 2, gradient=False, symbolic=False)
row("linspace", 0, 1, 5, gradient=False, symbolic=False)
row("linspace", np.float32([0, 1]), 3.0, 4, endpoint=False, axis=-1, gradient=False, symbolic=False)
row("logspace", 0, 2, 5, gradient=False, symbolic=False)
row("geomspace", 1.0, 8.0, 4, gradient=False, symbolic=False)
rows("eye tri identity", 3, gradient=False, symbolic=False)
row("eye", 3, 4, k=1, gradient=False, symbolic=False)
rows("array convert_to_tensor", [[1.0, 2.0]], gradient=False, symbolic=False)
row("convert_to_tensor", 3, gradient=False, symbolic=False)

# ---- neural networks ----
rows("relu relu6 leaky_relu elu selu celu silu swish gelu sigmoid tanh softplus softsign hard_sigmoid", X)
rows("hard_silu hard_swish hard_tanh hard_shrink soft_shrink tanh_shrink log_sigmoid squareplus", X)
rows("sparse_plus sparse_sigmoid glu", X)
row("sparsemax", X, keras=False)
row("threshold", X, 0.2, 0.7)
rows("softmax log_softmax", X, axis=0)
row("softmax", CUBE, axis=(1, 2))
row("one_hot", CLASSES, 3, axis=0, gradient=False)
row("multi_hot", WHOLE, 4, gradient=False)
row("multi_hot", CLASSES, 4, gradient=False)
rows("max_pool average_pool", _normal(2, 6, 4, 3, seed=11), 2)
rows("adaptive_max_pool adaptive_average_pool", _normal(2, 6, 4, 3, seed=11), 2)
row("conv", IMAGES, KERNEL, strides=(2, 1), padding="same")
row("conv", CUBE, LINE_KERNEL, dilation_rate=2, padding="same")
row("conv", VOLUMES, VOLUME_KERNEL, strides=2, padding="SAME", gradient=False)
row("conv_transpose", IMAGES, KERNEL.transpose(0, 1, 3, 2), strides=(2, 3), padding="same")
row("conv_transpose", IMAGES, KERNEL.transpose(0, 1, 3, 2), strides=3, output_padding=(2, 1))
row("conv_transpose", CUBE, KERNEL[0], strides=4, output_padding=1)
row("conv_transpose", VOLUMES, VOLUME_KERNEL.swapaxes(3, 4), strides=(2, 1, 3), gradient=False)
row("depthwise_conv", IMAGES, KERNEL, strides=2, padding="same")
row("depthwise_conv", IMAGES, KERNEL, strides=2, dilation_rate=2, padding="same")
row("depthwise_conv", CUBE, LINE_KERNEL, data_format="channels_last")
row("depthwise_conv", CUBE.swapaxes(1, 2), LINE_KERNEL, data_format="channels_first")
row("separable_conv", IMAGES, KERNEL, POINTS, dilation_rate=2)
row("separable_conv", IMAGES.transpose(0, 3, 1, 2), KERNEL, POINTS, data_format="channels_first")
row("separable_conv", CUBE, LINE_KERNEL, POINTS[0], padding="same")
row("binary_crossentropy", PROBABILITIES, np.clip(POSITIVE / 3, 0.1, 0.9).astype(F32))
row("binary_crossentropy", PROBABILITIES, X * 3, from_logits=True)
row("categorical_crossentropy", PROBABILITIES, POSITIVE)
row("categorical_crossentropy", PROBABILITIES.T.copy(), X.T.copy(), from_logits=True, axis=0)
row("sparse_categorical_crossentropy", CLASSES, PROBABILITIES)
row("sparse_categorical_crossentropy", CLASSES[:, None], X, from_logits=True)
row("psnr", X, Y, 2.0)

# ---- linear algebra ----
rows("inv det slogdet", SQUARE)
rows("inv det slogdet", STACK)
rows("cholesky logdet", SYMMETRIC)
row("cholesky", SYMMETRIC[0], upper=True)
row("cholesky_inverse", np.linalg.cholesky(SYMMETRIC).astype(F32))
row("cholesky_inverse", np.linalg.cholesky(SYMMETRIC[0]).T.copy().astype(F32), upper=True)
row("solve", STACK, STACK[::-1, :, :2].copy())
row("solve", SQUARE, LONE[0])
row("solve_triangular", STACK, STACK[::-1, :, :2].copy())
row("solve_triangular", SQUARE, LONE[0], lower=True)
row("qr", TALL)
row("qr", TALL, mode="complete", gradient=False)
row("eigh", SYMMETRIC)
row("svd", TALL, full_matrices=False)
row("svd", STACK)
row("svd", CUBE, compute_uv=False)
row("svd", CUBE, gradient=False)
row("pinv", TALL)
row("pinv", CUBE)
row("lstsq", TALL, TALL[:, :2].copy() ** 2)
row("lstsq", TALL, W)
row("lu_factor", SQUARE, gradient=False)
row("lu_factor", STACK, gradient=False, keras=False)
row("matrix_rank", SQUARE * np.float32([1, 1, 0]), gradient=False)
row("norm", X)
row("norm", CUBE, keras=False)
row("norm", CUBE, axis=1, keepdims=True)
for order in (1, 3, np.inf, -np.inf, 0):
    row("norm", CUBE, ord=order, axis=-1, gradient=order != 0)
for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
    row("norm", CUBE, ord=order, axis=(0, 2))
row("norm", CUBE, ord=1, axis=(1, 2), keepdims=True)
row("cdist", CUBE, CUBE[:, :2] + 1)

# Normalisation is compared with its layers.
LAYERS = {"batch_normalization", "layer_normalization", "normalize", "rms_normalization"}
# Names whose arguments are functions or whose results are no tensors have tests of their own.
ELSEWHERE = LAYERS | {
    *("associative_scan", "cond", "custom_gradient", "fori_loop", "map", "scan", "switch", "vectorize"),
    *("vectorized_map", "while_loop", "convert_to_numpy", "dtype", "is_tensor", "ndim", "shape", "size"),
}

IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(TABLE)]
