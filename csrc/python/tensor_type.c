/* cnnpy.Tensor: construction and attributes. */
#include "python/binding.h"

bool cnn_is_tensor(const cnn_module_state *state, PyObject *object)
{
    return Py_IS_TYPE(object, state->tensor_type) || PyObject_TypeCheck(object, state->tensor_type);
}

PyObject *cnn_wrap_tensor(cnn_module_state *state, cnn_tensor *t)
{
    TensorObject *self = (TensorObject *)state->tensor_type->tp_alloc(state->tensor_type, 0);
    if (!self) {
        cnn_tensor_release(t);
        return NULL;
    }
    self->t = t;
    return (PyObject *)self;
}

static PyObject *tensor_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", "dtype", NULL};
    PyObject *value, *dtype_object = Py_None;
    cnn_module_state *state = cnn_state_of_type(type);
    cnn_dtype dtype;
    cnn_tensor *t;
    if (!state || !PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:Tensor", names, &value, &dtype_object)) return NULL;
    if (dtype_object != Py_None && cnn_dtype_from_object(dtype_object, &dtype) < 0) return NULL;
    cnn_status status = cnn_tensor_from_object(state, value, dtype_object == Py_None ? -1 : (int)dtype, -1, true, &t);
    if (status != CNN_OK) return cnn_raise(status, "Tensor");
    TensorObject *self = (TensorObject *)type->tp_alloc(type, 0);
    if (!self) {
        cnn_tensor_release(t);
        return NULL;
    }
    self->t = t;
    return (PyObject *)self;
}

static void tensor_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    cnn_tensor_release(((TensorObject *)object)->t);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *tensor_shape(PyObject *object, void *closure)
{
    const cnn_shape *shape = &cnn_tensor_in(object)->shape;
    PyObject *tuple = PyTuple_New(shape->ndim);
    (void)closure;
    for (int i = 0; tuple && i < shape->ndim; i++) {
        PyObject *dim = PyLong_FromLongLong(shape->dim[i]);
        if (!dim) {
            Py_DECREF(tuple);
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, i, dim);
    }
    return tuple;
}

static PyObject *tensor_dtype(PyObject *object, void *closure)
{
    (void)closure;
    return PyUnicode_InternFromString(cnn_dtype_name(cnn_tensor_in(object)->shape.dtype));
}

static PyObject *tensor_ndim(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromLong(cnn_tensor_in(object)->shape.ndim);
}

static PyObject *tensor_size(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong(cnn_tensor_in(object)->size);
}

static PyObject *tensor_numpy(PyObject *object, PyObject *unused)
{
    (void)unused;
    return cnn_numpy_copy(cnn_tensor_in(object));
}

static PyObject *tensor_array(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"dtype", "copy", NULL};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:__array__", names, &dtype, &copy)) return NULL;
    PyObject *array = copy == Py_True ? cnn_numpy_copy(cnn_tensor_in(object)) : cnn_numpy_view(cnn_tensor_in(object));
    if (!array || dtype == Py_None) return array;
    PyObject *converted = PyObject_CallMethod(array, "astype", "O", dtype);
    Py_DECREF(array);
    return converted;
}

static PyMethodDef tensor_methods[] = {
    {"numpy", tensor_numpy, METH_NOARGS, "The values as a new NumPy array of the same dtype."},
    {"__array__", (PyCFunction)(void (*)(void))tensor_array, METH_VARARGS | METH_KEYWORDS,
     "np.asarray(t): a read-only array over the tensor's own memory, or a copy if asked."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef tensor_getset[] = {
    {"shape", tensor_shape, NULL, "Dimensions, a tuple of int.", NULL},
    {"dtype", tensor_dtype, NULL, "Name of the element type, e.g. 'float32'.", NULL},
    {"ndim", tensor_ndim, NULL, "Number of dimensions.", NULL},
    {"size", tensor_size, NULL, "Number of elements.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot tensor_slots[] = {
    {Py_tp_doc, "Tensor(value, dtype=None)\n--\n\nA contiguous array of float32, float64, uint8, int32, int64 or bool."},
    {Py_tp_new, tensor_new},
    {Py_tp_dealloc, tensor_dealloc},
    {Py_tp_methods, tensor_methods},
    {Py_tp_getset, tensor_getset},
    {0, NULL},
};

static PyType_Spec tensor_spec = {
    .name = "cnnpy.Tensor",
    .basicsize = sizeof(TensorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = tensor_slots,
};

int cnn_add_tensor_type(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    state->tensor_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &tensor_spec, NULL);
    return state->tensor_type ? PyModule_AddType(module, state->tensor_type) : -1;
}
