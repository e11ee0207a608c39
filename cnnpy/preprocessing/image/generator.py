"""ImageDataGenerator: batches of images, transformed at random and normalised, as Keras 2 had them."""

import warnings

import numpy as np

from cnnpy import config
from cnnpy.preprocessing.image.transforms import affine_numbers, apply_brightness_shift, check_fill, transform_batch

_AFFINE = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}
_NEUTRAL = {
    **_AFFINE,
    "flip_horizontal": False,
    "flip_vertical": False,
    "channel_shift_intensity": np.nan,
    "brightness": np.nan,
}


class ImageDataGenerator:
    """Random transforms and normalisation of images, drawn and computed as Keras does.

    The same seed gives the same transforms as in Keras. A batch is transformed by one call of the core. Images are
    (height, width, channels), or (channels, height, width) with `data_format='channels_first'`.

    Arguments:
        featurewise_center, featurewise_std_normalization, zca_whitening: subtract the mean of the data, divide by
            their deviation, remove correlations; they need `fit(x)`. ZCA_EPSILON is added to the singular values.
        samplewise_center, samplewise_std_normalization: the same with each image's own mean and deviation.
        rotation_range: degrees to either side.
        width_shift_range, height_shift_range: a float below 1 is a fraction of the size, else pixels; a whole number n
            is one of 0 to n - 1 pixels, a list holds the pixels to choose from; to either side.
        brightness_range: two factors. shear_range: degrees. channel_shift_range: what is added at most.
        zoom_range: two factors, or z for 1 - z to 1 + z.
        fill_mode: 'nearest', 'constant' (CVAL), 'reflect' or 'wrap'.
        horizontal_flip, vertical_flip: mirror half of the images.
        rescale: a factor, applied after PREPROCESSING_FUNCTION, a function of one image that gives one.
        validation_split: the first part of the data that `subset='validation'` gives.
        interpolation_order: 0 nearest, 1 linear; 2 to 5 are splines, which need SciPy.

    Raises ValueError for settings out of range.
    """

    def __init__(
        self,
        featurewise_center=False,
        samplewise_center=False,
        featurewise_std_normalization=False,
        samplewise_std_normalization=False,
        zca_whitening=False,
        zca_epsilon=1e-6,
        rotation_range=0,
        width_shift_range=0.0,
        height_shift_range=0.0,
        brightness_range=None,
        shear_range=0.0,
        zoom_range=0.0,
        channel_shift_range=0.0,
        fill_mode="nearest",
        cval=0.0,
        horizontal_flip=False,
        vertical_flip=False,
        rescale=None,
        preprocessing_function=None,
        data_format=None,
        validation_split=0.0,
        interpolation_order=1,
        dtype=None,
    ):
        check_fill(fill_mode, interpolation_order)
        self.data_format = config.standardize_data_format(data_format)
        self.dtype = np.dtype(dtype or config.floatx()).name
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f"ImageDataGenerator: dtype must be float32 or float64, got {dtype!r}")
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(f"ImageDataGenerator: validation_split must be between 0 and 1, got {validation_split}")
        if preprocessing_function is not None and not callable(preprocessing_function):
            raise TypeError(
                f"ImageDataGenerator: preprocessing_function must be a function, got {preprocessing_function!r}"
            )
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.shear_range = shear_range
        self.zoom_range = (
            [1 - zoom_range, 1 + zoom_range] if np.isscalar(zoom_range) else _pair(zoom_range, "zoom_range")
        )
        self.brightness_range = None if brightness_range is None else _pair(brightness_range, "brightness_range")
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.interpolation_order = interpolation_order
        self._validation_split = validation_split
        axes = (3, 1, 2) if self.data_format == "channels_last" else (1, 2, 3)
        self.channel_axis, self.row_axis, self.col_axis = axes
        self.mean = self.std = self.zca_whitening_matrix = None
        if zca_whitening:
            self._settle("zca_whitening", "featurewise_center", True)
            self._settle("zca_whitening", "featurewise_std_normalization", False)
        if self.featurewise_std_normalization:
            self._settle("featurewise_std_normalization", "featurewise_center", True)
        if samplewise_std_normalization:
            self._settle("samplewise_std_normalization", "samplewise_center", True)

    def _settle(self, because, name, value):
        if bool(getattr(self, name)) != value:
            setattr(self, name, value)
            warnings.warn(f"ImageDataGenerator: {because} means {name}={value}", stacklevel=3)

    # ---- batches ----

    def flow(
        self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None, save_to_dir=None, save_prefix="",
        save_format="png", ignore_class_split=False, subset=None,
    ):  # fmt: skip
        """An endless iterator over batches of arrays, see `NumpyArrayIterator`; `fit` takes it."""
        from cnnpy.preprocessing.image.iterators import NumpyArrayIterator

        return NumpyArrayIterator(
            x, y, self, batch_size=batch_size, shuffle=shuffle, sample_weight=sample_weight, seed=seed,
            data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            subset=subset, ignore_class_split=ignore_class_split, dtype=self.dtype,
        )  # fmt: skip

    def flow_from_directory(self, directory, *args, **kwargs):
        """An endless iterator over the images in the sub-folders of DIRECTORY, one a class, as `fit` takes it.

        Arguments, in order: target_size=(256, 256), color_mode='rgb', classes=None, class_mode='categorical' ('binary',
        'sparse', 'input', None), batch_size=32, shuffle=True, seed=None, save_to_dir=None, save_prefix='',
        save_format='png', follow_links=False, subset=None, interpolation='nearest', keep_aspect_ratio=False. cnnpy's
        own: on_error='raise' or 'skip' for files that cannot be read, and cache_bytes for decoded images.
        """
        from cnnpy.preprocessing.image.file_iterators import DirectoryIterator

        names = (
            "target_size color_mode classes class_mode batch_size shuffle seed save_to_dir save_prefix save_format "
            "follow_links subset interpolation keep_aspect_ratio"
        )
        options = _named("flow_from_directory", names.split(), args, kwargs)
        return DirectoryIterator(directory, self, data_format=self.data_format, dtype=self.dtype, **options)

    def flow_from_dataframe(self, dataframe, *args, **kwargs):
        """An endless iterator over the images that a pandas DataFrame names, as `fit` takes it.

        Arguments, in order: directory=None, x_col='filename', y_col='class', weight_col=None, target_size=(256, 256),
        color_mode='rgb', classes=None, class_mode='categorical' ('binary', 'sparse', 'input', 'multi_output', 'raw',
        None), batch_size=32, shuffle=True, seed=None, save_to_dir=None, save_prefix='', save_format='png', subset=None,
        interpolation='nearest', validate_filenames=True; keep_aspect_ratio; and cnnpy's own on_error, cache_bytes.
        """
        from cnnpy.preprocessing.image.file_iterators import DataFrameIterator

        names = (
            "directory x_col y_col weight_col target_size color_mode classes class_mode batch_size shuffle seed "
            "save_to_dir save_prefix save_format subset interpolation validate_filenames"
        )
        options = _named("flow_from_dataframe", names.split(), args, kwargs)
        for old in ("has_ext", "sort", "drop_duplicates"):
            if options.pop(old, None) is not None:
                warnings.warn(f"flow_from_dataframe: {old} was Keras 2's and does nothing", stacklevel=2)
        if options.get("class_mode") == "other":
            options["class_mode"] = "raw"
        return DataFrameIterator(
            dataframe, image_data_generator=self, data_format=self.data_format, dtype=self.dtype, **options
        )

    def _batch(self, x, parameters):
        """Images X as `parameters` (columns, see `_draw_columns`) say, normalised; an array of its own."""
        early = self.rescale or 1.0
        if self.preprocessing_function is not None or self.brightness_range is not None:
            early = 1.0  # these come before
        result = self._transform(x, parameters, early)
        if self.preprocessing_function is not None:
            result = np.stack([np.asarray(self.preprocessing_function(image), self.dtype) for image in result])
        return self._normalise(result, (1, 2, 3), rescale=None if early != 1.0 else self.rescale)

    def _transform(self, x, parameters, scale=1.0):
        first = self.data_format == "channels_first"
        images = np.moveaxis(x, 1, -1) if first else x
        if images.dtype != "uint8" or self.dtype != "float32":
            images = images.astype(self.dtype, copy=False)
        height, width = images.shape[1:3]
        numbers = affine_numbers(*(parameters[k] for k in _AFFINE), height=height, width=width)
        if len(numbers) != len(x):  # nothing but numbers that all images share
            numbers = np.repeat(numbers, len(x), 0)
        numbers[:, 6] = parameters["channel_shift_intensity"]
        numbers[:, 7], numbers[:, 8] = parameters["flip_horizontal"], parameters["flip_vertical"]
        result = transform_batch(images, numbers, self.interpolation_order, self.fill_mode, self.cval, scale)
        for i, brightness in enumerate(np.broadcast_to(parameters["brightness"], len(x))):
            if not np.isnan(brightness):
                result[i] = apply_brightness_shift(result[i], brightness, False, "channels_last")
        return np.ascontiguousarray(np.moveaxis(result, -1, 1)) if first else result

    # ---- one image ----

    def get_random_transform(self, img_shape, seed=None):
        """A dict of random parameters for an image of this shape; SEED seeds NumPy's global generator before."""
        if seed is not None:
            np.random.seed(seed)
        return self._draw(img_shape, np.random)

    def _draw(self, shape, random):
        """The same from RANDOM, in the order in which Keras draws."""
        theta = _between(random, -self.rotation_range, self.rotation_range) if self.rotation_range else 0
        tx = _shift(self.height_shift_range, shape[self.row_axis - 1], random)
        ty = _shift(self.width_shift_range, shape[self.col_axis - 1], random)
        shear = _between(random, -self.shear_range, self.shear_range) if self.shear_range else 0
        zx, zy = (1, 1) if self.zoom_range == [1, 1] else (_between(random, *self.zoom_range) for _ in range(2))
        flips = [bool(random.random_sample() < 0.5) for _ in range(2)]
        shift = brightness = None
        if self.channel_shift_range != 0:
            shift = random.uniform(-self.channel_shift_range, self.channel_shift_range)
        if self.brightness_range is not None:
            brightness = random.uniform(*self.brightness_range)
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": flips[0] and bool(self.horizontal_flip),
            "flip_vertical": flips[1] and bool(self.vertical_flip),
            "channel_shift_intensity": shift,
            "brightness": brightness,
        }

    def _draw_columns(self, shape, random, count):
        """Parameters of COUNT images as `_draw` gives them, an array or the common value by name.

        The numbers of all images come by one call where none of them is chosen from a list.
        """
        shifts = (self.height_shift_range, self.width_shift_range)
        if not all(isinstance(extent, float) or not np.any(extent) for extent in shifts):
            return _columns([self._draw(shape, random) for _ in range(count)])
        zooms = 0 if self.zoom_range == [1, 1] else 2
        wanted = (self.rotation_range, *(np.any(extent) for extent in shifts), self.shear_range)
        wanted = [*map(bool, wanted), *[True] * (zooms + 2), self.channel_shift_range != 0]
        drawn = iter(random.random_sample((count, sum(wanted) + (self.brightness_range is not None))).T)

        def between(low, high):
            return low + (high - low) * next(drawn)

        columns = dict(_NEUTRAL)
        if self.rotation_range:
            columns["theta"] = between(-self.rotation_range, self.rotation_range)
        for name, extent, axis in (("tx", shifts[0], self.row_axis), ("ty", shifts[1], self.col_axis)):
            if np.any(extent):
                columns[name] = between(-extent, extent) * (shape[axis - 1] if extent < 1 else 1)
        if self.shear_range:
            columns["shear"] = between(-self.shear_range, self.shear_range)
        if zooms:
            columns["zx"], columns["zy"] = between(*self.zoom_range), between(*self.zoom_range)
        for name, used in (("flip_horizontal", self.horizontal_flip), ("flip_vertical", self.vertical_flip)):
            columns[name] = (next(drawn) < 0.5) & bool(used)
        if self.channel_shift_range != 0:
            columns["channel_shift_intensity"] = between(-self.channel_shift_range, self.channel_shift_range)
        if self.brightness_range is not None:
            columns["brightness"] = between(*self.brightness_range)
        return columns

    def apply_transform(self, x, transform_parameters):
        """One image under the parameters of a dict as `get_random_transform` gives it; what is missing does nothing."""
        x = np.asarray(x)
        if x.ndim != 3:
            raise ValueError(f"apply_transform: x must be one image with 3 dimensions, got shape {x.shape}")
        return self._transform(x[None], _columns([transform_parameters]))[0]

    def random_transform(self, x, seed=None):
        """One image under a random transform."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def standardize(self, x):
        """X normalised: preprocessing function, factor, each sample's own statistics, those of `fit`, whitening.

        As in Keras an array of floats is changed in place, and "sample" means all of X.
        """
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        x = np.asarray(x)
        return self._normalise(x if x.dtype.kind == "f" else x.astype(self.dtype), None, self.rescale)

    def _normalise(self, x, axes, rescale):
        if rescale:
            x *= rescale
        if self.samplewise_center:
            x -= np.mean(x, axis=axes, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, axis=axes, keepdims=True) + 1e-6
        if self.featurewise_center and self._fitted("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._fitted("featurewise_std_normalization", self.std):
            x /= self.std + 1e-6
        if self.zca_whitening and self._fitted("zca_whitening", self.zca_whitening_matrix):
            x = (x.reshape(-1, len(self.zca_whitening_matrix)) @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def _fitted(self, name, value):
        if value is None:
            warnings.warn(
                f"ImageDataGenerator: {name} needs statistics of the data; call fit(x) before, until then it does "
                "nothing",
                stacklevel=4,
            )
        return value is not None

    # ---- statistics ----

    def fit(self, x, augment=False, rounds=1, seed=None):
        """Computes the mean, deviation and whitening matrix of X, images with 4 dimensions.

        AUGMENT: of ROUNDS random transforms of each image. SEED seeds NumPy's global generator.
        """
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4 or 0 in x.shape:
            raise ValueError(f"ImageDataGenerator.fit: x must be images with 4 dimensions, got shape {x.shape}")
        self._check_channels(x.shape, "fit")
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            parts = []
            for _ in range(rounds):
                parts.append(self._transform(x, self._draw_columns(x.shape[1:], np.random, len(x))))
            x = np.concatenate(parts)
        axes = (0, self.row_axis, self.col_axis)
        shape = [1, 1, 1]
        shape[self.channel_axis - 1] = x.shape[self.channel_axis]
        if self.featurewise_center:
            self.mean = np.mean(x, axis=axes).reshape(shape)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=axes).reshape(shape)
            x /= self.std + 1e-6
        if self.zca_whitening:
            u, s, _ = np.linalg.svd(x.reshape(len(x), -1).T, full_matrices=False)
            self.zca_whitening_matrix = ((u * (np.sqrt(len(x)) / (s + self.zca_epsilon))) @ u.T).astype(self.dtype)

    def _check_channels(self, shape, where):
        if shape[self.channel_axis] not in (1, 3, 4):
            warnings.warn(
                f"ImageDataGenerator.{where}: images have 1, 3 or 4 channels, x of shape {shape} has "
                f"{shape[self.channel_axis]} with data_format={self.data_format!r}",
                stacklevel=4,
            )


def _columns(parameters):
    """Dicts of parameters, one for each image, as one dict of arrays; what is missing or None does nothing."""
    return {
        name: np.array([neutral if p.get(name) is None else p[name] for p in parameters])
        for name, neutral in _NEUTRAL.items()
    }


def _named(function, names, args, kwargs):
    """ARGS under their NAMES, together with KWARGS."""
    named = dict(zip(names, args))
    if len(args) > len(names) or set(named) & set(kwargs):
        raise TypeError(f"{function}: too many arguments, or one given twice: {len(args)} and {sorted(kwargs)}")
    return {**named, **kwargs}


def _pair(value, name):
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != 2:
        raise ValueError(f"ImageDataGenerator: {name} must be two numbers, got {value!r}")
    return [float(value[0]), float(value[1])]


def _between(random, low, high):
    """What `random.uniform` gives, at a tenth of its price."""
    return low + (high - low) * random.random_sample()


def _shift(extent, size, random):
    """Pixels along an axis of SIZE."""
    if isinstance(extent, float):
        pixels = _between(random, -extent, extent) if extent else 0
        return pixels * size if extent < 1 else pixels
    if not np.any(extent):
        return 0
    if np.ndim(extent) or (isinstance(extent, (int, np.integer)) and extent > 0):
        pixels = random.choice(extent) * random.choice([-1, 1])
    else:
        pixels = random.uniform(-extent, extent)
    return pixels * size if np.max(extent) < 1 else pixels
