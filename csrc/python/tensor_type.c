/* cnnpy.Tensor: construction, attributes, text. Its other parts are in tensor_number.c (operators), tensor_index.c
 * ([]), tensor_method.c, exchange.c (buffers) and dlpack.c. */
#include "python/binding.h"

extern const cnn_op cnn_op_reshape;

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

PyObject *cnn_tensor_snapshot(PyObject *object)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    cnn_tensor *t = cnn_tensor_in(object);
    if (!t->variable) return Py_NewRef(object);
    _Alignas(16) char attrs[sizeof(cnn_ints) * 2] = {0};
    cnn_ints *shape = cnn_attr_of(&cnn_op_reshape, attrs, "shape");
    shape->count = t->shape.ndim;
    for (int i = 0; i < t->shape.ndim; i++) shape->at[i] = t->shape.dim[i];
    return cnn_run_op(state, &cnn_op_reshape, attrs, &t, 1, "value", true);
}

static PyObject *tensor_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", "dtype", NULL};
    PyObject *value, *dtype_object = Py_None;
    cnn_module_state *state = cnn_state_of_type(type);
    cnn_dtype dtype = CNN_FLOAT32;
    cnn_tensor *t;
    if (!state || !PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:Tensor", names, &value, &dtype_object)) return NULL;
    if (dtype_object != Py_None && cnn_dtype_from_object(dtype_object, &dtype) < 0) return NULL;
    cnn_status status =
        cnn_tensor_from_object(state, value, dtype_object == Py_None ? -1 : (int)dtype, -1, CNN_COPY_ALWAYS, &t);
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

/* ---- attributes ---- */

static PyObject *get_shape(PyObject *object, void *closure)
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

static PyObject *get_dtype(PyObject *object, void *closure)
{
    (void)closure;
    return PyUnicode_InternFromString(cnn_dtype_name(cnn_tensor_in(object)->shape.dtype));
}

static PyObject *get_ndim(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromLong(cnn_tensor_in(object)->shape.ndim);
}

static PyObject *get_size(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromLongLong(cnn_tensor_in(object)->size);
}

static PyObject *get_itemsize(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromSize_t(cnn_dtype_size(cnn_tensor_in(object)->shape.dtype));
}

static PyObject *get_nbytes(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromSize_t(cnn_tensor_bytes(cnn_tensor_in(object)));
}

static PyObject *get_transposed(PyObject *object, void *closure)
{
    (void)closure;
    return PyObject_CallMethod(object, "transpose", NULL);
}

static PyObject *get_logits(PyObject *object, void *closure)
{
    const cnn_tensor *t = cnn_tensor_in(object);
    if (!t->logits || t->logits_of != *(const cnn_activation *)closure) Py_RETURN_NONE;
    return cnn_wrap_tensor(cnn_state_of_type(Py_TYPE(object)), cnn_tensor_retain(t->logits));
}

static cnn_activation softmax = CNN_SOFTMAX, sigmoid = CNN_SIGMOID;

/* Above NumPy's arrays, scalars and subclasses, so that their operators give way to ours. */
static PyObject *get_array_priority(PyObject *object, void *closure)
{
    (void)object;
    (void)closure;
    return PyFloat_FromDouble(1000.0);
}

static PyGetSetDef tensor_getset[] = {
    {"shape", get_shape, NULL, "Dimensions, a tuple of int.", NULL},
    {"dtype", get_dtype, NULL, "Name of the element type, e.g. 'float32'.", NULL},
    {"ndim", get_ndim, NULL, "Number of dimensions.", NULL},
    {"size", get_size, NULL, "Number of elements.", NULL},
    {"itemsize", get_itemsize, NULL, "Bytes of an element.", NULL},
    {"nbytes", get_nbytes, NULL, "Bytes of all elements.", NULL},
    {"T", get_transposed, NULL, "The tensor with its dimensions reversed.", NULL},
    {"_softmax_logits", get_logits, NULL, "What a softmax over the last axis made this tensor of, else None.",
     &softmax},
    {"_sigmoid_logits", get_logits, NULL, "What a sigmoid made this tensor of, else None.", &sigmoid},
    {"__array_priority__", get_array_priority, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* ---- text ---- */

static PyObject *tensor_str(PyObject *object)
{
    PyObject *view = cnn_numpy_view(cnn_tensor_in(object));
    PyObject *text = view ? PyObject_Str(view) : NULL;
    Py_XDECREF(view);
    return text;
}

static PyObject *tensor_repr(PyObject *object)
{
    const cnn_shape *shape = &cnn_tensor_in(object)->shape;
    char dims[CNN_SHAPE_TEXT];
    PyObject *values = tensor_str(object);
    if (!values) return NULL;
    PyObject *text = PyUnicode_FromFormat("<cnnpy.Tensor shape=%s dtype=%s\n%U>", cnn_shape_text(shape, dims),
                                          cnn_dtype_name(shape->dtype), values);
    Py_DECREF(values);
    return text;
}

PyObject *cnn_tensor_format(PyObject *object, PyObject *spec)
{
    if (!PyUnicode_Check(spec)) return PyErr_Format(PyExc_TypeError, "the format must be a str, got %R", spec);
    if (PyUnicode_GET_LENGTH(spec) == 0) return PyObject_Str(object);
    if (cnn_tensor_in(object)->size != 1) {
        char text[CNN_SHAPE_TEXT];
        return PyErr_Format(PyExc_TypeError, "only a tensor of one element takes the format %R, got shape %s", spec,
                            cnn_shape_text(&cnn_tensor_in(object)->shape, text));
    }
    PyObject *number = cnn_element(cnn_tensor_in(object), 0);
    PyObject *text = number ? PyObject_Format(number, spec) : NULL;
    Py_XDECREF(number);
    return text;
}

/* ---- the type ---- */

static PyType_Slot own_slots[] = {
    {Py_tp_doc, "Tensor(value, dtype=None)\n--\n\nA contiguous array of float32, float64, uint8, int32, int64 or bool, "
                "with up to 8 dimensions.\n\n"
                "It always has its own memory; cnnpy.array() shares memory where it can. Tensors are values: they "
                "cannot be changed."},
    {Py_tp_new, tensor_new},
    {Py_tp_dealloc, tensor_dealloc},
    {Py_tp_methods, cnn_tensor_methods},
    {Py_tp_getset, tensor_getset},
    {Py_tp_repr, tensor_repr},
    {Py_tp_str, tensor_str},
    {0, NULL},
};

int cnn_add_tensor_type(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    PyType_Slot *const parts[] = {own_slots, cnn_tensor_number_slots, cnn_tensor_index_slots,
                                  cnn_tensor_exchange_slots};
    PyType_Slot slots[64];
    size_t count = 0;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (PyType_Slot *s = parts[p]; s->slot; s++)
            if (count < sizeof slots / sizeof *slots - 1) slots[count++] = *s;
    slots[count] = (PyType_Slot){0, NULL};
    PyType_Spec spec = {
        .name = "cnnpy.Tensor",
        .basicsize = sizeof(TensorObject),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = slots,
    };
    state->tensor_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    if (!state->tensor_type) return -1;
    return PyModule_AddType(module, state->tensor_type);
}
