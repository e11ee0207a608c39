"""Train steps, losses, metrics and loops of one's own train as in Keras."""

import pytest
from parity.programs import LABELS, OTHERS, QUIET, TARGETS, VECTORS, WEIGHTS, compare, network, weighted

pytest.importorskip("keras")
pytest.importorskip("tensorflow")


def drawn(k, cls, units=2):
    inputs = k.Input((6,))
    return weighted(cls(inputs, k.layers.Dense(units)(inputs)))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_train_step(weights):
    """`x, y = data` failed, since data always had three parts."""

    def program(k, tape_class):
        class Own(k.Model):
            def train_step(self, data):
                if len(data) == 3:
                    x, y, sample_weight = data
                else:
                    (x, y), sample_weight = data, None
                with tape_class() as tape:
                    y_pred = self(x, training=True)
                    loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
                gradients = tape.gradient(loss, self.trainable_variables)
                self.optimizer.apply(gradients, self.trainable_variables)
                for metric in self.metrics:
                    if metric.name == "loss":
                        metric.update_state(loss)
                    else:
                        metric.update_state(y, y_pred, sample_weight=sample_weight)
                return {metric.name: metric.result() for metric in self.metrics}

        model = drawn(k, Own)
        model.compile("adam", "mse", metrics=["mae"])
        return model.fit(VECTORS, TARGETS, sample_weight=weights, epochs=3, **QUIET).history, model.get_weights()

    compare(program)


def test_steps_with_metrics_of_ones_own():
    def program(k, tape_class):
        class Own(k.Model):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.seen = k.metrics.Mean(name="loss")
                self.error = k.metrics.MeanAbsoluteError(name="mae")

            @property
            def metrics(self):
                return [self.seen, self.error]

            def train_step(self, data):
                x, y = data
                with tape_class() as tape:
                    y_pred = self(x, training=True)
                    loss = k.ops.mean(k.losses.mean_squared_error(y, y_pred))
                variables = self.trainable_variables
                self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
                self.seen.update_state(loss)
                self.error.update_state(y, y_pred)
                return {"loss": self.seen.result(), "mae": self.error.result()}

            def test_step(self, data):
                x, y = data
                self.seen.update_state(self.compute_loss(y=y, y_pred=self(x, training=False)))
                return {"loss": self.seen.result()}

            def predict_step(self, data):
                return self(data) * 2

        model = drawn(k, Own)
        model.compile("sgd", loss="mse")
        history = model.fit(VECTORS, TARGETS, epochs=2, validation_data=(VECTORS, TARGETS), **QUIET).history
        return history, model.evaluate(VECTORS, TARGETS, verbose=0), model.predict(VECTORS, verbose=0)

    compare(program)


@pytest.mark.parametrize("old", [False, True])
def test_compute_loss_and_metrics(old):
    def program(k, tape_class):
        class Own(k.Model):
            def compute_metrics(self, x, y, y_pred, sample_weight=None):
                return {**super().compute_metrics(x, y, y_pred, sample_weight), "five": 5.0}

        if old:

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
                return k.ops.mean(k.ops.square(y - y_pred))
        else:

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                return k.ops.mean(k.ops.square(y - y_pred)) + 0.1 * k.ops.mean(y_pred**2)

        Own.compute_loss = compute_loss
        model = drawn(k, Own)
        model.compile("sgd", metrics=["mae"])
        return model.fit(VECTORS, TARGETS, epochs=2, **QUIET).history

    compare(program)


def test_gan():
    """A model of two with optimizers of their own, whose step gets x alone; the tapes record side by side."""

    def program(k, tape_class):
        class Gan(k.Model):
            def __init__(self):
                super().__init__()
                self.maker = weighted(k.Sequential([k.Input((4,)), k.layers.Dense(6)]), 1)
                self.judge = weighted(k.Sequential([k.Input((6,)), k.layers.Dense(1)]), 2)
                self.seen = k.metrics.Mean(name="judge_loss")

            def compile(self, maker_optimizer, judge_optimizer, loss_fn):
                super().compile()
                self.maker_optimizer, self.judge_optimizer, self.loss_fn = maker_optimizer, judge_optimizer, loss_fn

            @property
            def metrics(self):
                return [self.seen]

            def train_step(self, real):
                rows = k.ops.shape(real)[0]
                ones, zeros = k.ops.ones((rows, 1)), k.ops.zeros((rows, 1))
                with tape_class() as maker_tape, tape_class() as judge_tape:
                    fake = self.maker(k.ops.ones((rows, 4)), training=True)
                    said_of_real, said_of_fake = self.judge(real, training=True), self.judge(fake, training=True)
                    maker_loss = self.loss_fn(ones, said_of_fake)
                    judge_loss = self.loss_fn(ones, said_of_real) + self.loss_fn(zeros, said_of_fake)
                for net, optimizer, loss, tape in (
                    (self.maker, self.maker_optimizer, maker_loss, maker_tape),
                    (self.judge, self.judge_optimizer, judge_loss, judge_tape),
                ):
                    weights = net.trainable_weights
                    optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
                self.seen.update_state(judge_loss)
                return {"judge_loss": self.seen.result(), "maker_loss": maker_loss}

        gan = Gan()
        loss = k.losses.BinaryCrossentropy(from_logits=True)
        gan.compile(k.optimizers.Adam(0.01), k.optimizers.Adam(0.01), loss)
        history = gan.fit(VECTORS, epochs=2, **QUIET).history
        return history["judge_loss"], gan.maker.get_weights(), gan.judge.get_weights()

    compare(program)


def test_variational_autoencoder():
    def program(k, tape_class):
        class Sampling(k.layers.Layer):
            def call(self, inputs):
                mean, log_variance = inputs
                return mean + k.ops.exp(0.5 * log_variance) * 0.3

        class Autoencoder(k.Model):
            def __init__(self, encoder, decoder):
                super().__init__()
                self.encoder, self.decoder = encoder, decoder
                self.total, self.divergence = k.metrics.Mean(name="total"), k.metrics.Mean(name="divergence")

            @property
            def metrics(self):
                return [self.total, self.divergence]

            def train_step(self, data):
                with tape_class() as tape:
                    mean, log_variance, z = self.encoder(data)
                    error = k.ops.mean(k.ops.sum(k.ops.square(data - self.decoder(z)), axis=-1))
                    divergence = -0.5 * (1 + log_variance - k.ops.square(mean) - k.ops.exp(log_variance))
                    divergence = k.ops.mean(k.ops.sum(divergence, axis=1))
                    total = error + divergence
                weights = self.trainable_weights
                self.optimizer.apply_gradients(zip(tape.gradient(total, weights), weights))
                self.total.update_state(total)
                self.divergence.update_state(divergence)
                return {metric.name: metric.result() for metric in self.metrics}

        inputs, code = k.Input((6,)), k.Input((2,))
        hidden = k.layers.Dense(5, activation="relu")(inputs)
        mean, log_variance = k.layers.Dense(2)(hidden), k.layers.Dense(2)(hidden)
        encoder = weighted(k.Model(inputs, [mean, log_variance, Sampling()([mean, log_variance])]))
        model = Autoencoder(encoder, weighted(k.Model(code, k.layers.Dense(6)(code))))
        model.compile(optimizer=k.optimizers.Adam())
        return model.fit(VECTORS, epochs=2, **QUIET).history, model.get_weights()

    compare(program)


def test_loops_by_hand():
    def program(k, tape_class):
        model = weighted(k.Sequential([k.Input((6,)), k.layers.Dense(2)]))
        optimizer, loss_fn, losses = k.optimizers.Adam(0.1), k.losses.MeanSquaredError(), []
        for _ in range(3):
            with tape_class() as tape:
                loss = loss_fn(TARGETS, model(VECTORS, training=True))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            losses.append(loss)
        x = k.ops.convert_to_tensor(VECTORS)
        with tape_class(persistent=True) as tape:
            tape.watch(x)
            y = x * x
            z = y * y
        return losses, model.get_weights(), tape.gradient(y, x), tape.gradient(z, x), tape.gradient(z, y)

    compare(program)


def test_on_batch_calls():
    def program(k, tape_class):
        model = network(k, metrics=["mae"], weighted_metrics=["mse"])
        labels = network(k, "softmax", loss="sparse_categorical_crossentropy", metrics=["acc"])
        return (
            model.train_on_batch(VECTORS, TARGETS),
            model.train_on_batch(VECTORS, TARGETS, sample_weight=WEIGHTS, return_dict=True),
            model.test_on_batch(VECTORS[:3], TARGETS[:3]),
            model.test_on_batch(VECTORS, TARGETS, sample_weight=WEIGHTS, return_dict=True),
            model.predict_on_batch(VECTORS),
            labels.train_on_batch(VECTORS, LABELS, class_weight={0: 2.0, 1: 0.5}),
            labels.get_weights(),
        )

    compare(program)


def test_batches_from_elsewhere():
    def program(k, tape_class):
        class Batches(k.utils.PyDataset):
            def __len__(self):
                return 3

            def __getitem__(self, index):
                rows = slice(index * 7, index * 7 + 7)
                return VECTORS[rows], TARGETS[rows], WEIGHTS[rows]

        def endless():
            while True:
                for start in (0, 7, 14):
                    yield VECTORS[start : start + 7], TARGETS[start : start + 7]

        def once():
            for start in (0, 7, 14):
                yield VECTORS[start : start + 7], TARGETS[start : start + 7]

        model, workers = network(k), network(k)
        data = Batches(workers=2, max_queue_size=2)
        return (
            model.fit(endless(), steps_per_epoch=2, epochs=3, verbose=0).history,
            model.fit(Batches(), epochs=2, shuffle=False, verbose=0, validation_data=Batches()).history,
            workers.fit(data, epochs=2, shuffle=False, verbose=0).history,
            model.evaluate(once(), verbose=0),
            model.predict(Batches(), verbose=0),
            model.fit(once(), verbose=0).history,
        )

    compare(program)


def test_data_of_other_libraries():
    pandas, torch = pytest.importorskip("pandas"), pytest.importorskip("torch")
    import tensorflow

    def program(k, tape_class):
        model = network(k)
        torch_data = torch.utils.data.TensorDataset(torch.tensor(VECTORS), torch.tensor(TARGETS))
        loader = torch.utils.data.DataLoader(torch_data, batch_size=7)
        stream = tensorflow.data.Dataset.from_tensor_slices((VECTORS, TARGETS)).batch(7)
        return (
            model.fit(pandas.DataFrame(VECTORS), pandas.DataFrame(TARGETS), **QUIET).history,
            model.fit(torch.tensor(VECTORS), torch.tensor(TARGETS), **QUIET).history,
            model.fit(tensorflow.constant(VECTORS), tensorflow.constant(TARGETS), **QUIET).history,
            model.fit(loader, verbose=0, validation_data=loader).history,
            model.fit(stream, verbose=0, validation_data=stream).history,
            model.evaluate(loader, verbose=0),
            model.predict(stream, verbose=0),
        )

    compare(program)


def test_losses_and_metrics_of_several_outputs():
    def program(k, tape_class):
        def made(structure):
            inputs = k.Input((6,), name="i")
            outputs = {"a": k.layers.Dense(2, name="a")(inputs), "b": k.layers.Dense(2, name="b")(inputs)}
            return weighted(k.Model(inputs, outputs if structure is dict else list(outputs.values())))

        lists, dicts = made(list), made(dict)
        lists.compile(
            "sgd", ["mse", "mae"], loss_weights=[1.0, 0.3], metrics=[["mae"], ["mse"]], weighted_metrics=[[], ["mae"]]
        )
        dicts.compile(
            "sgd", {"a": "mse", "b": "mae"}, loss_weights={"a": 1.0, "b": 0.3}, metrics={"a": ["mae"], "b": "mse"}
        )
        y = {"a": TARGETS, "b": TARGETS}
        return (
            lists.fit(VECTORS, [TARGETS, TARGETS], epochs=2, **QUIET).history,
            lists.evaluate(VECTORS, [TARGETS, TARGETS], verbose=0, batch_size=7),
            lists.train_on_batch(VECTORS, [TARGETS, TARGETS]),
            dicts.fit({"i": VECTORS}, y, sample_weight={"a": WEIGHTS, "b": WEIGHTS * 2}, epochs=2, **QUIET).history,
            dicts.evaluate(VECTORS, y, verbose=0, batch_size=7, return_dict=True),
            dicts.predict(OTHERS, verbose=0),
        )

    compare(program)


def test_compiling_from_a_config():
    def program(k, tape_class):
        model = network(k, optimizer=k.optimizers.SGD(0.1, momentum=0.9), metrics=["mae"], loss_weights=2.0)
        config, other = model.get_compile_config(), network(k)
        other.compile_from_config(config)
        return list(config), other.fit(VECTORS, TARGETS, epochs=2, **QUIET).history

    compare(program)


def test_state_trees():
    def program(k, tape_class):
        model = network(k, optimizer="adam")
        model.fit(VECTORS, TARGETS, **QUIET)
        tree = model.get_state_tree("numpy_array")
        saved = model.get_weights()
        model.fit(VECTORS, TARGETS, **QUIET)
        model.set_state_tree(tree)
        after = model.fit(VECTORS, TARGETS, **QUIET).history
        return sorted(tree), tree["trainable_variables"], saved, after

    compare(program)
