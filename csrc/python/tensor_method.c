/* Methods of cnnpy.Tensor. Those that compute call the op of the same name, so gradients flow through them. */
#include "python/binding.h"

#include <string.h>

/* The module's op NAME called with ARGS, then VALUES by NAMES (a NULL value is left out). */
static PyObject *call_op(PyObject *self, const char *name, PyObject *second, const char *const *names,
                         PyObject *const *values, int count)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(self));
    PyObject *op = state ? PyObject_GetAttrString(state->module, name) : NULL;
    PyObject *args[8] = {self}, *kwnames = op ? PyTuple_New(count) : NULL, *result = NULL;
    int positional = 1, used = 0;
    if (second) args[positional++] = second;
    for (int i = 0; kwnames && i < count; i++) {
        PyObject *text = PyUnicode_InternFromString(names[i]);
        if (!text) {
            Py_CLEAR(kwnames);
            break;
        }
        PyTuple_SET_ITEM(kwnames, i, text);
        args[positional + used++] = values[i];
    }
    if (kwnames) result = PyObject_Vectorcall(op, args, (size_t)positional, kwnames);
    Py_XDECREF(kwnames);
    Py_XDECREF(op);
    return result;
}

/* ---- reductions: (axis=None, keepdims=False) ---- */

static PyObject *reduce(PyObject *self, const char *name, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"axis", "keepdims", NULL};
    static const char *const attributes[] = {"axis", "keepdims"};
    PyObject *axis = Py_None, *keepdims = Py_False;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", names, &axis, &keepdims)) return NULL;
    PyObject *none = NULL;
    if (axis ==
        Py_None) { /* all axes: an empty list for the op; an empty tuple of the user's would mean no axis at all */
        none = PyTuple_New(0);
        if (!none) return NULL;
    } else if (PyTuple_Check(axis) && PyTuple_GET_SIZE(axis) == 0) {
        return PyErr_Format(PyExc_ValueError, "%s: axis=() names no axis; pass None for all of them", name);
    }
    PyObject *values[] = {none ? none : axis, keepdims};
    PyObject *result = call_op(self, name, NULL, attributes, values, 2);
    Py_XDECREF(none);
    return result;
}

#define REDUCTION(function, op)                                                                                        \
    static PyObject *function(PyObject *self, PyObject *args, PyObject *kwargs)                                        \
    {                                                                                                                  \
        return reduce(self, op, args, kwargs);                                                                         \
    }

REDUCTION(method_sum, "sum")
REDUCTION(method_mean, "mean")
REDUCTION(method_max, "max")
REDUCTION(method_min, "min")
REDUCTION(method_prod, "prod")
REDUCTION(method_any, "any")
REDUCTION(method_all, "all")
REDUCTION(method_var, "variance")

static PyObject *method_std(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *variance = reduce(self, "variance", args, kwargs);
    PyObject *result = variance ? call_op(variance, "sqrt", NULL, NULL, NULL, 0) : NULL;
    Py_XDECREF(variance);
    return result;
}

static PyObject *reshaped(PyObject *self, PyObject *shape)
{
    static const char *const attributes[] = {"shape"};
    return call_op(self, "reshape", NULL, attributes, &shape, 1);
}

static PyObject *method_ravel(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *shape = Py_BuildValue("(i)", -1);
    PyObject *result = shape ? reshaped(self, shape) : NULL;
    Py_XDECREF(shape);
    return result;
}

/* argmax, argmin, cumsum: without an axis, of the flattened tensor. */
static PyObject *along_axis(PyObject *self, const char *name, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"axis", NULL};
    static const char *const attributes[] = {"axis"};
    PyObject *axis = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", names, &axis)) return NULL;
    if (axis != Py_None) return call_op(self, name, NULL, attributes, &axis, 1);
    PyObject *flat = method_ravel(self, NULL), *zero = flat ? PyLong_FromLong(0) : NULL;
    PyObject *result = zero ? call_op(flat, name, NULL, attributes, &zero, 1) : NULL;
    Py_XDECREF(flat);
    Py_XDECREF(zero);
    return result;
}

static PyObject *method_argmax(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return along_axis(self, "argmax", args, kwargs);
}

static PyObject *method_argmin(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return along_axis(self, "argmin", args, kwargs);
}

static PyObject *method_cumsum(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return along_axis(self, "cumsum", args, kwargs);
}

/* ---- shapes ---- */

/* The sequence that f(a, b, c) or f((a, b, c)) was given; borrowed. */
static PyObject *spread(PyObject *args)
{
    if (PyTuple_GET_SIZE(args) != 1) return args;
    PyObject *only = PyTuple_GET_ITEM(args, 0);
    return PyTuple_Check(only) || PyList_Check(only) ? only : args;
}

static PyObject *method_reshape(PyObject *self, PyObject *args)
{
    if (PyTuple_GET_SIZE(args) == 0)
        return PyErr_Format(PyExc_TypeError, "reshape: takes the new shape, as integers or one tuple");
    return reshaped(self, spread(args));
}

static PyObject *method_transpose(PyObject *self, PyObject *args)
{
    static const char *const attributes[] = {"axes"};
    PyObject *axes = PyTuple_GET_SIZE(args) == 1 && PyTuple_GET_ITEM(args, 0) == Py_None ? NULL : spread(args);
    if (axes && PySequence_Size(axes) == 0) axes = NULL;
    return call_op(self, "transpose", NULL, attributes, &axes, axes ? 1 : 0);
}

static PyObject *method_squeeze(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"axis", NULL};
    static const char *const attributes[] = {"axis"};
    PyObject *axis = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:squeeze", names, &axis)) return NULL;
    return call_op(self, "squeeze", NULL, attributes, &axis, axis == Py_None ? 0 : 1);
}

/* ---- values ---- */

static PyObject *method_astype(PyObject *self, PyObject *dtype)
{
    static const char *const attributes[] = {"dtype"};
    cnn_dtype wanted;
    if (cnn_dtype_from_object(dtype, &wanted) < 0) return NULL;
    if (wanted == cnn_tensor_in(self)->shape.dtype) return cnn_tensor_snapshot(self);
    return call_op(self, "cast", NULL, attributes, &dtype, 1);
}

static PyObject *method_clip(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"min", "max", NULL};
    static const char *const attributes[] = {"min", "max"};
    PyObject *low = Py_None, *high = Py_None, *values[2];
    const char *used[2];
    int count = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:clip", names, &low, &high)) return NULL;
    if (low != Py_None) used[count] = attributes[0], values[count++] = low;
    if (high != Py_None) used[count] = attributes[1], values[count++] = high;
    return call_op(self, "clip", NULL, used, values, count);
}

static PyObject *method_dot(PyObject *self, PyObject *other)
{
    return PyNumber_MatrixMultiply(self, other);
}

static PyObject *method_numpy(PyObject *self, PyObject *unused)
{
    (void)unused;
    return cnn_numpy_copy(cnn_tensor_in(self));
}

static PyObject *method_tolist(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *view = cnn_numpy_view(cnn_tensor_in(self));
    PyObject *list = view ? PyObject_CallMethod(view, "tolist", NULL) : NULL;
    Py_XDECREF(view);
    return list;
}

static PyObject *method_item(PyObject *self, PyObject *args)
{
    cnn_tensor *t = cnn_tensor_in(self);
    char text[CNN_SHAPE_TEXT];
    if (PyTuple_GET_SIZE(args) == 0) {
        if (t->size == 1) return cnn_element(t, 0);
        return PyErr_Format(PyExc_ValueError,
                            "item: without an index the tensor must have one element, its shape is %s; pass an index",
                            cnn_shape_text(&t->shape, text));
    }
    PyObject *view = cnn_numpy_view(t);
    PyObject *method = view ? PyObject_GetAttrString(view, "item") : NULL;
    PyObject *result = method ? PyObject_Call(method, args, NULL) : NULL;
    Py_XDECREF(method);
    Py_XDECREF(view);
    return result;
}

static PyObject *method_copy(PyObject *self, PyObject *unused)
{
    cnn_tensor *t;
    (void)unused;
    cnn_status status = cnn_tensor_copy(cnn_tensor_in(self), &t);
    return status == CNN_OK ? cnn_wrap_tensor(cnn_state_of_type(Py_TYPE(self)), t) : cnn_raise(status, "copy");
}

static PyObject *method_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *view = cnn_numpy_view(cnn_tensor_in(self));
    return view ? Py_BuildValue("(O(N))", Py_TYPE(self), view) : NULL;
}

static PyObject *method_complex(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    PyErr_SetString(PyExc_TypeError, "tensors are real; use complex(float(t))");
    return NULL;
}

/* What Jupyter shows is made in Python. */
static PyObject *method_repr_html(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *html = PyImport_ImportModule("cnnpy.utils.html");
    PyObject *result = html ? PyObject_CallMethod(html, "of_tensor", "O", self) : NULL;
    Py_XDECREF(html);
    return result;
}

#define KEYWORDS(function) (PyCFunction)(void (*)(void)) function, METH_VARARGS | METH_KEYWORDS

PyMethodDef cnn_tensor_methods[] = {
    {"sum", KEYWORDS(method_sum),
     "sum(axis=None, keepdims=False)\n--\n\nThe sum over the axes; integers and bools give int64."},
    {"mean", KEYWORDS(method_mean), "mean(axis=None, keepdims=False)\n--\n\nThe arithmetic mean over the axes."},
    {"max", KEYWORDS(method_max), "max(axis=None, keepdims=False)\n--\n\nThe largest element along the axes."},
    {"min", KEYWORDS(method_min), "min(axis=None, keepdims=False)\n--\n\nThe smallest element along the axes."},
    {"prod", KEYWORDS(method_prod), "prod(axis=None, keepdims=False)\n--\n\nThe product over the axes."},
    {"any", KEYWORDS(method_any),
     "any(axis=None, keepdims=False)\n--\n\nTrue where an element along the axes is not zero."},
    {"all", KEYWORDS(method_all),
     "all(axis=None, keepdims=False)\n--\n\nTrue where no element along the axes is zero."},
    {"var", KEYWORDS(method_var),
     "var(axis=None, keepdims=False)\n--\n\nThe variance (divided by the number of elements)."},
    {"std", KEYWORDS(method_std),
     "std(axis=None, keepdims=False)\n--\n\nThe standard deviation, the square root of var()."},
    {"argmax", KEYWORDS(method_argmax),
     "argmax(axis=None)\n--\n\nThe index of the largest element; without an axis, of the flattened tensor."},
    {"argmin", KEYWORDS(method_argmin),
     "argmin(axis=None)\n--\n\nThe index of the smallest element; without an axis, of the flattened tensor."},
    {"cumsum", KEYWORDS(method_cumsum),
     "cumsum(axis=None)\n--\n\nRunning sums; without an axis, of the flattened tensor."},
    {"clip", KEYWORDS(method_clip), "clip(min=None, max=None)\n--\n\nEach element, but at least min and at most max."},
    {"reshape", method_reshape, METH_VARARGS,
     "reshape(*shape): the same elements in another shape, of which one dimension may be -1."},
    {"transpose", method_transpose, METH_VARARGS,
     "transpose(*axes): the dimensions in this order; without axes, reversed."},
    {"squeeze", KEYWORDS(method_squeeze),
     "squeeze(axis=None)\n--\n\nWithout the dimensions of size 1 (all, or those named)."},
    {"ravel", method_ravel, METH_NOARGS, "ravel()\n--\n\nOne dimension, sharing the memory."},
    {"flatten", method_ravel, METH_NOARGS, "flatten()\n--\n\nOne dimension, sharing the memory."},
    {"astype", method_astype, METH_O,
     "astype(dtype, /)\n--\n\nThe values in another dtype; the tensor itself if it has it."},
    {"dot", method_dot, METH_O, "dot(other, /)\n--\n\nself @ other."},
    {"copy", method_copy, METH_NOARGS, "copy()\n--\n\nA Tensor with its own memory, which no tape follows."},
    {"numpy", method_numpy, METH_NOARGS, "numpy()\n--\n\nThe values as a new NumPy array of the same dtype."},
    {"tolist", method_tolist, METH_NOARGS, "tolist()\n--\n\nThe values as nested lists of Python's numbers."},
    {"item", method_item, METH_VARARGS, "item(*index): one element as a Python number."},
    {"__array__", KEYWORDS(cnn_tensor_array),
     "__array__(dtype=None, copy=None)\n--\n\nA read-only array over the tensor's own memory, or a copy if asked or "
     "needed."},
    {"__dlpack__", KEYWORDS(cnn_tensor_dlpack),
     "__dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\n"
     "A DLPack capsule: over the tensor's memory, read-only, where version 1 is asked for; else over a copy."},
    {"__dlpack_device__", cnn_tensor_dlpack_device, METH_NOARGS, "(1, 0): the processor."},
    {"__format__", cnn_tensor_format, METH_O, NULL},
    {"__copy__", method_copy, METH_NOARGS, NULL},
    {"__deepcopy__", method_copy, METH_O, NULL},
    {"__reduce__", method_reduce, METH_NOARGS, NULL},
    {"_repr_html_", method_repr_html, METH_NOARGS, NULL},
    {"__complex__", method_complex, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
