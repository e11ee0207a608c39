"""The metrics of a trainer: its own, those of compile and those of layers, and their values in the order of Keras."""

from cnnpy.layers.tracking import structure
from cnnpy.models.compile import CompileMetrics


class TrainerMetrics:
    """Part of every model; see Trainer."""

    @property
    def metrics(self):
        """Loss tracker, compiled metrics, losses of the single outputs, then metrics of the model and its layers."""
        found = []
        if self.compiled:
            found.append(self._loss_tracker)
            if self._compile_metrics is not None:
                found.append(self._compile_metrics)
            if self._compile_loss is not None:
                found.extend(self._compile_loss.metrics)
        found.extend(self._own_metrics())
        return found

    def _own_metrics(self):
        """Metrics among the attributes of the model and its layers, remembered until one of these changes."""
        cache = self.__dict__.get("_own_metrics_cache")
        if cache is None or cache[0] != structure.version:
            cache = (structure.version, super().metrics)
            self._keep(_own_metrics_cache=cache)
        return cache[1]

    @property
    def metrics_names(self):
        """Names of what `evaluate` returns, in its order.

        (Keras 3 gives the one name 'compile_metrics' for all compiled metrics, which fits nothing.)
        """
        compiled = self._compile_metrics
        if compiled is None or compiled.built:
            return self._in_evaluate_order(self.get_metrics_result())
        return ["loss", *compiled.given_names()]

    def reset_metrics(self):
        """Forgets what metrics have seen."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """dict of name to the present value of each metric."""
        results = {}
        for metric in self.metrics:
            value = metric.result()
            if isinstance(value, dict):
                results.update(value)
            else:
                results[metric.name] = value
        return results

    def _metrics_by_name(self):
        """The single Metric objects by their names in the logs."""
        found = {}
        for metric in self.metrics:
            if isinstance(metric, CompileMetrics):
                found.update(metric.by_key())
            else:
                found[metric.name] = metric
        return found

    def _in_evaluate_order(self, logs):
        """The keys of LOGS: loss, metrics, single losses, and what else there is in alphabetical order."""
        first = []
        for metric in self.metrics:
            first += [m.name for m in metric.metrics] if isinstance(metric, CompileMetrics) else [metric.name]
        first = [name for name in dict.fromkeys(first) if name in logs]
        return first + [name for name in sorted(logs) if name not in first]

    def _as_list(self, logs):
        values = [logs[name] for name in self._in_evaluate_order(logs)]
        return values[0] if len(values) == 1 else values

    def _epoch_logs(self, logs):
        """The metrics' values; what the model's own step returned, if that has other names."""
        if logs is None:
            return self.get_metrics_result()
        if not isinstance(logs, dict):
            raise ValueError(f"{self.name}: train_step and test_step must return a dict of name to value, got {logs!r}")
        results = self.get_metrics_result()
        return results if set(results) == set(logs) else logs
