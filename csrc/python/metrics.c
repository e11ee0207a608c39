/* Sums for metrics, as Python floats: an update of a running mean is one op and one call of this. */
#include "python/binding.h"

#include "metrics/metric.h"

static PyObject *weighted_sum(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    cnn_module_state *state = PyModule_GetState(module);
    cnn_tensor *values = NULL, *weights = NULL;
    double sum = 0, total = 0;
    if (count < 1 || count > 3)
        return PyErr_Format(PyExc_TypeError, "weighted_sum: takes (values, weights=None, mean=True), got %zd arguments",
                            count);
    int mean = count < 3 ? 1 : PyObject_IsTrue(args[2]);
    if (mean < 0) return NULL;
    cnn_status status = cnn_tensor_from_object(state, args[0], -1, -1, false, &values);
    if (status == CNN_OK && count > 1 && args[1] != Py_None)
        status = cnn_tensor_from_object(state, args[1], -1, (int)values->shape.dtype, false, &weights);
    if (status == CNN_OK) status = cnn_weighted_sum(values, weights, mean, &sum, &total);
    cnn_tensor_release(values);
    cnn_tensor_release(weights);
    if (status != CNN_OK) return cnn_raise(status, "metric");
    PyObject *a = PyFloat_FromDouble(sum), *b = PyFloat_FromDouble(total);
    PyObject *result = a && b ? PyTuple_Pack(2, a, b) : NULL;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return result;
}

static PyMethodDef functions[] = {
    {"weighted_sum", (PyCFunction)(void (*)(void))weighted_sum, METH_FASTCALL,
     "weighted_sum(values, weights=None, mean=True, /)\n--\n\n"
     "(sum of values times weights, sum of weights) as floats; with mean, both divided by the number of values per "
     "sample.\n"
     "Weights are aligned with the first axes of values; without them each sample weighs 1."},
    {NULL, NULL, 0, NULL},
};

int cnn_add_metric_functions(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
