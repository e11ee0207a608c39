"""TensorBoard: what training does, in files that the program TensorBoard shows."""

import io
import os
import time

import numpy as np

from cnnpy.callbacks.callback import Callback


class TensorBoard(Callback):
    """Writes logs, weights and the model's graph for TensorBoard: `tensorboard --logdir logs` shows them.

    Arguments:
        log_dir: the folder; training goes into its `train`, validation into its `validation`.
        histogram_freq: every so many epochs histograms of all weights; 0 for none.
        write_graph: the graph of the model's layers (Sequential and functional models).
        write_images: with the histograms, weights as pictures too.
        write_steps_per_second: how many steps a second took, per epoch (and per batch with update_freq).
        update_freq: 'epoch', or every so many batches ('batch' is every one) the running means besides.
        profile_batch, embeddings_freq, embeddings_metadata: not offered, leave them.

    Needs the package `tensorboard` (`pip install tensorboard`), not TensorFlow. The names of all values are Keras's.

    Raises:
        ImportError: the package is not installed. ValueError, NotImplementedError: arguments.
    """

    def __init__(
        self,
        log_dir="logs",
        histogram_freq=0,
        write_graph=True,
        write_images=False,
        write_steps_per_second=False,
        update_freq="epoch",
        profile_batch=0,
        embeddings_freq=0,
        embeddings_metadata=None,
    ):
        super().__init__()
        if profile_batch:
            raise NotImplementedError("TensorBoard: profile_batch is not offered; use a profiler of Python or of C")
        if embeddings_freq or embeddings_metadata:
            raise NotImplementedError("TensorBoard: embeddings are not offered; save the Embedding's weights yourself")
        update_freq = 1 if update_freq == "batch" else update_freq
        if update_freq != "epoch" and (not isinstance(update_freq, int) or update_freq < 1):
            raise ValueError(f"TensorBoard: update_freq must be 'epoch', 'batch' or a number, got {update_freq!r}")
        _writer_module()
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = update_freq
        self._writers = {}
        self._train_batch = 0
        self._epoch_began = self._batch_began = (0.0, 0)

    # ---- writing ----

    def _writer(self, name):
        if name not in self._writers:
            self._writers[name] = _writer_module().EventFileWriter(os.path.join(self.log_dir, name))
        return self._writers[name]

    def _write(self, name, summary, step):
        from tensorboard.compat.proto import event_pb2

        self._writer(name).add_event(event_pb2.Event(summary=summary, step=int(step), wall_time=time.time()))

    def _scalar(self, name, tag, value, step):
        from tensorboard.plugins.scalar import summary_v2

        if np.ndim(value) == 0:
            self._write(name, summary_v2.scalar_pb(tag, float(value)), step)

    def set_model(self, model):
        super().set_model(model)
        self._close()
        if self.write_graph and type(model).__name__ in ("Functional", "Sequential"):
            self._write_graph(model)

    def _write_graph(self, model):
        try:
            text = model.to_json()
        except (TypeError, NotImplementedError):
            return  # layers without a config: there is nothing to draw
        self._write("train", _tensor_summary("keras", [text.encode()], (), "graph_keras_model", b"1"), 0)

    # ---- training ----

    def on_train_begin(self, logs=None):
        self._train_batch = 0

    def on_train_batch_begin(self, batch, logs=None):
        self._train_batch += 1
        self._batch_began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        step = self._train_batch
        if self.update_freq == "epoch" or step % self.update_freq:
            return
        if self.write_steps_per_second:
            passed = max(time.perf_counter() - self._batch_began, 1e-9)
            self._scalar("train", "batch_steps_per_second", 1 / passed, step)
        for name, value in (logs or {}).items():
            self._scalar("train", f"batch_{name}", value, step)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_began = time.perf_counter(), self._iterations()

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        values = {name: value for name, value in logs.items() if not name.startswith("val_")}
        if logs:
            values["learning_rate"] = np.asarray(self.model.optimizer.learning_rate)
            if self.write_steps_per_second:
                began, iterations = self._epoch_began
                passed = max(time.perf_counter() - began, 1e-9)
                values["steps_per_second"] = (self._iterations() - iterations) / passed
        for name, value in values.items():
            self._scalar("train", f"epoch_{name}", value, epoch)
        for name, value in logs.items():
            if name.startswith("val_"):
                self._scalar("validation", f"epoch_{name[4:]}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)

    def on_test_end(self, logs=None):
        if self.model.optimizer is None:
            return
        for name, value in (logs or {}).items():
            self._scalar("validation", f"evaluation_{name}_vs_iterations", value, self._iterations())

    def on_train_end(self, logs=None):
        self._close()

    on_interrupt = on_train_end

    def _close(self):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _iterations(self):
        return int(np.asarray(self.model.optimizer.iterations)) if self.model.optimizer is not None else 0

    # ---- weights ----

    def _write_weights(self, epoch):
        from tensorboard.plugins.histogram import summary_v2

        for layer in self.model.layers:
            for weight in layer.weights:
                name = weight.path.replace(":", "_")
                values = np.array(weight)
                self._write("train", summary_v2.histogram_pb(f"{name}/histogram", values), epoch)
                picture = _as_images(values) if self.write_images else None
                if picture is not None:
                    self._write("train", _image_summary(f"{name}/image", picture), epoch)
        self._writer("train").flush()


def _writer_module():
    try:
        from tensorboard.summary.writer import event_file_writer
    except ImportError as error:
        raise ImportError("TensorBoard: needs the package tensorboard; pip install tensorboard") from error
    return event_file_writer


def _as_images(weight):
    """A weight as grey pictures [N,H,W,1], as Keras lays them out; None for more than 3 dimensions."""
    w = np.squeeze(weight)
    if w.ndim == 1:
        return w.reshape(1, -1, 1, 1)
    if w.ndim == 2:
        w = w.T if w.shape[0] > w.shape[1] else w
        return w.reshape(1, *w.shape, 1)
    if w.ndim == 3:
        w = w.transpose(2, 0, 1)
        return w[..., None]
    return w if w.ndim == 4 and w.shape[-1] in (1, 3, 4) else None


def _image_summary(tag, images, most=3):
    """A summary of IMAGES [N,H,W,C] with values from 0 to 1, of which the first MOST are written."""
    from PIL import Image
    from tensorboard.plugins.image import metadata

    pixels = (np.clip(images, 0, 1) * 255 + 0.5).astype("uint8")
    parts = [str(pixels.shape[2]).encode(), str(pixels.shape[1]).encode()]
    for image in pixels[:most]:
        file = io.BytesIO()
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG")
        parts.append(file.getvalue())
    made = metadata.create_summary_metadata(display_name=None, description=None)
    return _tensor_summary(tag, parts, (len(parts),), made.plugin_data.plugin_name, made.plugin_data.content)


def _tensor_summary(tag, strings, shape, plugin, content):
    """A summary of byte STRINGS for a PLUGIN of TensorBoard."""
    from tensorboard.compat.proto import summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2

    sizes = [tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in shape]
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=sizes), string_val=strings
    )
    data = summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    value = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=summary_pb2.SummaryMetadata(plugin_data=data))
    return summary_pb2.Summary(value=[value])
