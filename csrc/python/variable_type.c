/* cnnpy.Variable: a tensor that can be assigned, and that tapes watch while it is trainable.
 *
 * Who has taken a view of a variable's values (NumPy array, buffer, tape, `value`, an op at work in another thread)
 * keeps the values of that moment: an assignment then writes into new memory, else in place. */
#include "python/binding.h"

#include <string.h>
#include <structmember.h>

static int variable_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    (void)object;
    (void)args;
    (void)kwargs;
    return 0; /* all is done in new */
}

/* A variable over T, whose reference it takes (also on failure). */
static PyObject *wrap_variable(PyTypeObject *type, cnn_tensor *t, bool trainable, PyObject *name, PyObject *path)
{
    VariableObject *self = (VariableObject *)type->tp_alloc(type, 0);
    if (!self) {
        cnn_tensor_release(t);
        return NULL;
    }
    t->variable = true;
    t->trainable = trainable && cnn_dtype_is_float(t->shape.dtype);
    t->owner = self;
    self->base.t = t;
    self->name = name ? Py_NewRef(name) : PyUnicode_InternFromString("variable");
    self->path = Py_XNewRef(path);
    if (!self->name) Py_CLEAR(self);
    return (PyObject *)self;
}

PyObject *cnn_variable_of(cnn_module_state *state, cnn_tensor *t)
{
    if (t->owner) return Py_NewRef((PyObject *)t->owner);
    return wrap_variable(state->variable_type, cnn_tensor_retain(t), t->trainable, NULL, NULL);
}

/* The first value, a new reference: INITIALIZER itself, or if it is a function or a name what `cnnpy.initializers`
 * makes of it for SHAPE and DTYPE. */
static PyObject *initial_value(cnn_module_state *state, PyObject *initializer, PyObject *shape, PyObject *dtype)
{
    bool makes = PyUnicode_Check(initializer) || PyCallable_Check(initializer);
    if (!makes && shape != Py_None) {
        PyErr_SetString(PyExc_ValueError, "Variable: shape goes with an initializer that is a function or its name; a "
                                          "value has its own shape");
        return NULL;
    }
    if (!makes) return Py_NewRef(initializer);
    if (shape == Py_None) {
        PyErr_Format(PyExc_ValueError, "Variable: the initializer %R needs a shape; pass shape=", initializer);
        return NULL;
    }
    PyObject *policies = PyImport_ImportModule("cnnpy.dtype_policies"), *name = NULL, *function = NULL, *made = NULL;
    PyObject *initializers = policies ? PyImport_ImportModule("cnnpy.initializers") : NULL, *value = NULL;
    if (initializers) name = PyObject_CallMethod(policies, "standardize_dtype", "O", dtype);
    if (name) function = PyObject_CallMethod(initializers, "get", "O", initializer);
    if (function) made = PyObject_CallFunction(function, "OO", shape, name);
    if (made) value = PyObject_CallFunction((PyObject *)state->tensor_type, "OO", made, name);
    Py_XDECREF(policies);
    Py_XDECREF(initializers);
    Py_XDECREF(name);
    Py_XDECREF(function);
    Py_XDECREF(made);
    return value;
}

/* None or one of the words that Keras has for VALUE, the argument NAME; there is one device, so they mean nothing. */
static int check_replicas(PyObject *value, const char *name, const char *const *words)
{
    if (value == Py_None) return 0;
    for (; PyUnicode_Check(value) && *words; words++)
        if (PyUnicode_CompareWithASCIIString(value, *words) == 0) return 0;
    PyErr_Format(PyExc_ValueError, "Variable: %s must be one of Keras's words for it, such as 'auto', got %R", name,
                 value);
    return -1;
}

static PyObject *variable_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"initializer", "shape",           "dtype", "trainable", "autocast",
                            "aggregation", "synchronization", "name",  "value",     NULL};
    static const char *const aggregations[] = {"none", "mean", "sum", "only_first_replica", NULL};
    static const char *const synchronizations[] = {"none", "auto", "on_read", "on_write", NULL};
    PyObject *initializer = NULL, *shape = Py_None, *dtype_object = Py_None, *aggregation = Py_None;
    PyObject *synchronization = Py_None, *name = Py_None, *value = NULL;
    int trainable = 1, autocast = 1;
    cnn_module_state *state = cnn_state_of_type(type);
    cnn_dtype dtype = CNN_FLOAT32;
    cnn_tensor *t;
    if (!state ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOppOOOO:Variable", names, &initializer, &shape, &dtype_object,
                                     &trainable, &autocast, &aggregation, &synchronization, &name, &value))
        return NULL;
    if (!initializer == !value) {
        PyErr_SetString(PyExc_TypeError, "Variable: takes its first value, once");
        return NULL;
    }
    if (PyBool_Check(shape)) { /* Variable(value, True), as tf.Variable has it */
        trainable = shape == Py_True;
        shape = Py_None;
    }
    if (dtype_object != Py_None && cnn_dtype_from_object(dtype_object, &dtype) < 0) return NULL;
    if (name != Py_None && !PyUnicode_Check(name))
        return PyErr_Format(PyExc_TypeError, "Variable: name must be a str, got %R", name);
    if (check_replicas(aggregation, "aggregation", aggregations) < 0 ||
        check_replicas(synchronization, "synchronization", synchronizations) < 0)
        return NULL;
    PyObject *first = initial_value(state, initializer ? initializer : value, shape, dtype_object);
    if (!first) return NULL;
    cnn_status status =
        cnn_tensor_from_object(state, first, dtype_object == Py_None ? -1 : (int)dtype, -1, CNN_COPY_ALWAYS, &t);
    Py_DECREF(first);
    if (status != CNN_OK) return cnn_raise(status, "Variable");
    return wrap_variable(type, t, trainable, name == Py_None ? NULL : name, NULL);
}

static int variable_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((VariableObject *)object)->dict);
    Py_VISIT(((VariableObject *)object)->base.mask);
    return 0;
}

static int variable_clear(PyObject *object)
{
    Py_CLEAR(((VariableObject *)object)->dict);
    Py_CLEAR(((VariableObject *)object)->base.mask);
    return 0;
}

static void variable_dealloc(PyObject *object)
{
    VariableObject *self = (VariableObject *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weak_references) PyObject_ClearWeakRefs(object);
    if (self->base.t) self->base.t->owner = NULL; /* a tape may live longer */
    cnn_tensor_release(self->base.t);
    Py_CLEAR(self->dict);
    Py_CLEAR(self->base.mask);
    Py_XDECREF(self->name);
    Py_XDECREF(self->path);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- assignment ---- */

static PyObject *raise_for(PyObject *object, cnn_status status)
{
    PyObject *prefix = PyUnicode_FromFormat("Variable \"%U\"", ((VariableObject *)object)->name);
    cnn_raise(status, prefix ? PyUnicode_AsUTF8(prefix) : NULL);
    Py_XDECREF(prefix);
    return NULL;
}

/* T may be written into; its values are undefined then unless KEEP. */
static cnn_status make_writable(cnn_tensor *t, bool keep)
{
    cnn_tensor *own;
    if (cnn_tensor_owns_storage(t)) return CNN_OK;
    CNN_TRY(keep ? cnn_tensor_copy(t, &own) : cnn_tensor_new(&t->shape, &own));
    cnn_tensor_set_storage(t, own);
    cnn_tensor_release(own);
    return CNN_OK;
}

/* VALUE in the dtype of the variable, and of its shape, or of one element if SCALAR. */
static cnn_status value_for(PyObject *object, PyObject *value, bool scalar, cnn_tensor **out)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    cnn_tensor *t = cnn_tensor_in(object);
    char a[CNN_SHAPE_TEXT], b[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_tensor_from_object(state, value, (int)t->shape.dtype, -1, CNN_COPY_IF_NEEDED, out));
    if (cnn_shape_equal(&t->shape, &(*out)->shape) || (scalar && (*out)->shape.ndim == 0)) return CNN_OK;
    cnn_status status = cnn_fail(CNN_ERR_VALUE, "the variable has shape %s, the value %s; they must agree",
                                 cnn_shape_text(&t->shape, a), cnn_shape_text(&(*out)->shape, b));
    cnn_tensor_release(*out);
    *out = NULL;
    return status;
}

static PyObject *variable_assign(PyObject *object, PyObject *value)
{
    cnn_tensor *t = cnn_tensor_in(object), *v;
    cnn_status status = value_for(object, value, false, &v);
    if (status != CNN_OK) return raise_for(object, status);
    status = v == t ? CNN_OK : make_writable(t, false);
    if (status == CNN_OK && t->size) memmove(t->data, v->data, cnn_tensor_bytes(t));
    cnn_tensor_release(v);
    return status == CNN_OK ? Py_NewRef(object) : raise_for(object, status);
}

#define ADD_CASE(DTYPE, T, WIDE)                                                                                       \
    case DTYPE:                                                                                                        \
        for (int64_t i = 0; i < t->size; i++) {                                                                        \
            T *at = (T *)t->data + i;                                                                                  \
            WIDE x = (WIDE)((const T *)v->data)[i * step];                                                             \
            *at = (T)(minus ? (WIDE) * at - x : (WIDE) * at + x);                                                      \
        }                                                                                                              \
        break

/* t += v, or t -= v, element by element; a V of one element goes to all. Integers wrap around. */
static void add_in_place(cnn_tensor *t, const cnn_tensor *v, bool minus)
{
    int64_t step = v->size == t->size ? 1 : 0;
    switch (t->shape.dtype) {
        ADD_CASE(CNN_UINT8, uint8_t, uint32_t);
        ADD_CASE(CNN_INT32, int32_t, uint32_t);
        ADD_CASE(CNN_INT64, int64_t, uint64_t);
        ADD_CASE(CNN_FLOAT32, float, float);
        ADD_CASE(CNN_FLOAT64, double, double);
    default: break;
    }
}

static PyObject *assign_sum(PyObject *object, PyObject *value, bool minus)
{
    cnn_tensor *t = cnn_tensor_in(object), *v;
    cnn_status status = CNN_OK;
    if (t->shape.dtype == CNN_BOOL)
        status = cnn_fail(CNN_ERR_TYPE, "bool variables have no sum; use assign() with logical_or or logical_xor");
    if (status == CNN_OK) status = value_for(object, value, true, &v);
    if (status != CNN_OK) return raise_for(object, status);
    status = make_writable(t, true);
    if (status == CNN_OK) add_in_place(t, v, minus);
    cnn_tensor_release(v);
    return status == CNN_OK ? Py_NewRef(object) : raise_for(object, status);
}

static PyObject *variable_assign_add(PyObject *object, PyObject *value)
{
    return assign_sum(object, value, false);
}

static PyObject *variable_assign_sub(PyObject *object, PyObject *value)
{
    return assign_sum(object, value, true);
}

static PyObject *update_moving_average(PyObject *module, PyObject *args)
{
    cnn_module_state *state = PyModule_GetState(module);
    PyObject *object, *value;
    double momentum;
    if (!PyArg_ParseTuple(args, "O!Od:update_moving_average", state->variable_type, &object, &value, &momentum))
        return NULL;
    cnn_tensor *t = cnn_tensor_in(object), *v;
    cnn_status status = CNN_OK;
    if (!cnn_dtype_is_float(t->shape.dtype))
        status = cnn_fail(CNN_ERR_TYPE, "a moving average must be float32 or float64, got %s",
                          cnn_dtype_name(t->shape.dtype));
    if (status == CNN_OK) status = value_for(object, value, false, &v);
    if (status != CNN_OK) return raise_for(object, status);
    status = make_writable(t, true);
    if (status == CNN_OK && t->shape.dtype == CNN_FLOAT32) {
        float *y = t->data, keep = (float)momentum, take = (float)(1.0 - momentum);
        for (int64_t i = 0; i < t->size; i++) y[i] = y[i] * keep + ((const float *)v->data)[i] * take;
    } else if (status == CNN_OK) {
        double *y = t->data;
        for (int64_t i = 0; i < t->size; i++) y[i] = y[i] * momentum + ((const double *)v->data)[i] * (1.0 - momentum);
    }
    cnn_tensor_release(v);
    if (status != CNN_OK) return raise_for(object, status);
    Py_RETURN_NONE;
}

/* ---- copies ---- */

static PyObject *dict_of(PyObject *object)
{
    PyObject *dict = ((VariableObject *)object)->dict;
    return dict && PyDict_GET_SIZE(dict) ? dict : NULL;
}

/* A variable of the same kind with its own values; DICT (may be NULL) is taken. */
static PyObject *duplicate(PyObject *object, PyObject *dict)
{
    VariableObject *self = (VariableObject *)object;
    cnn_tensor *t;
    cnn_status status = cnn_tensor_copy(self->base.t, &t);
    PyObject *twin = status == CNN_OK
                         ? wrap_variable(Py_TYPE(object), t, self->base.t->trainable, self->name, self->path)
                         : raise_for(object, status);
    if (twin) ((VariableObject *)twin)->dict = dict;
    else Py_XDECREF(dict);
    return twin;
}

static PyObject *variable_copy(PyObject *object, PyObject *unused)
{
    PyObject *dict = dict_of(object);
    (void)unused;
    if (dict && !(dict = PyDict_Copy(dict))) return NULL;
    return duplicate(object, dict);
}

static PyObject *variable_deepcopy(PyObject *object, PyObject *memo)
{
    PyObject *twin = duplicate(object, NULL), *dict = dict_of(object);
    if (!twin || !dict) return twin;
    /* The memo knows the twin before its attributes are copied: they may point back. */
    PyObject *id = PyLong_FromVoidPtr(object), *copy = PyImport_ImportModule("copy");
    PyObject *attributes = id && copy && PyObject_SetItem(memo, id, twin) == 0
                               ? PyObject_CallMethod(copy, "deepcopy", "OO", dict, memo)
                               : NULL;
    Py_XDECREF(id);
    Py_XDECREF(copy);
    if (!attributes) Py_CLEAR(twin);
    else ((VariableObject *)twin)->dict = attributes;
    return twin;
}

static PyObject *variable_reduce(PyObject *object, PyObject *unused)
{
    VariableObject *self = (VariableObject *)object;
    PyObject *dict = dict_of(object);
    (void)unused;
    PyObject *view = cnn_numpy_view(self->base.t);
    if (!view) return NULL;
    return Py_BuildValue("(O(NO)(OOO))", Py_TYPE(object), view, self->base.t->trainable ? Py_True : Py_False,
                         self->name, self->path ? self->path : Py_None, dict ? dict : Py_None);
}

static PyObject *variable_setstate(PyObject *object, PyObject *state)
{
    VariableObject *self = (VariableObject *)object;
    PyObject *name, *path, *dict;
    if (!PyArg_ParseTuple(state, "UOO:__setstate__", &name, &path, &dict)) return NULL;
    Py_XSETREF(self->name, Py_NewRef(name));
    if (PyUnicode_Check(path)) Py_XSETREF(self->path, Py_NewRef(path));
    if (PyDict_Check(dict)) Py_XSETREF(self->dict, PyDict_Copy(dict));
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* ---- attributes ---- */

static PyObject *get_trainable(PyObject *object, void *closure)
{
    (void)closure;
    return PyBool_FromLong(cnn_tensor_in(object)->trainable);
}

static int set_trainable(PyObject *object, PyObject *value, void *closure)
{
    (void)closure;
    int truth = value ? PyObject_IsTrue(value) : -1;
    if (truth < 0) {
        if (!value) PyErr_SetString(PyExc_AttributeError, "trainable cannot be deleted");
        return -1;
    }
    cnn_tensor *t = cnn_tensor_in(object);
    t->trainable = truth && cnn_dtype_is_float(t->shape.dtype);
    return 0;
}

static PyObject *get_name(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef(((VariableObject *)object)->name);
}

static PyObject *get_path(PyObject *object, void *closure)
{
    VariableObject *self = (VariableObject *)object;
    (void)closure;
    return Py_NewRef(self->path ? self->path : self->name);
}

static int set_text(PyObject **field, PyObject *value, const char *what)
{
    if (!value || !PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "Variable: %s must be a str, got %R", what, value ? value : Py_None);
        return -1;
    }
    Py_XSETREF(*field, Py_NewRef(value));
    return 0;
}

static int set_name(PyObject *object, PyObject *value, void *closure)
{
    (void)closure;
    return set_text(&((VariableObject *)object)->name, value, "name");
}

static int set_path(PyObject *object, PyObject *value, void *closure)
{
    (void)closure;
    return set_text(&((VariableObject *)object)->path, value, "path");
}

static PyObject *get_value(PyObject *object, void *closure)
{
    (void)closure;
    return cnn_tensor_snapshot(object);
}

static PyObject *get_aggregation(PyObject *object, void *closure)
{
    (void)object;
    (void)closure;
    return PyUnicode_FromString("none");
}

static PyObject *get_synchronization(PyObject *object, void *closure)
{
    (void)object;
    (void)closure;
    return PyUnicode_FromString("auto");
}

static PyObject *get_overwrite(PyObject *object, void *closure)
{
    (void)object;
    (void)closure;
    Py_RETURN_FALSE;
}

static int set_overwrite(PyObject *object, PyObject *value, void *closure)
{
    (void)object;
    (void)closure;
    int truth = value ? PyObject_IsTrue(value) : 0;
    if (truth > 0)
        PyErr_SetString(PyExc_NotImplementedError,
                        "Variable: overwrite_with_gradient is for quantised dtypes, which are not offered");
    return truth ? -1 : 0;
}

static PyObject *variable_repr(PyObject *object)
{
    const cnn_tensor *t = cnn_tensor_in(object);
    char dims[CNN_SHAPE_TEXT];
    PyObject *values = PyObject_Str(object), *path = get_path(object, NULL), *text = NULL;
    if (values)
        text = PyUnicode_FromFormat("<cnnpy.Variable path=%U shape=%s dtype=%s trainable=%s\n%U>", path,
                                    cnn_shape_text(&t->shape, dims), cnn_dtype_name(t->shape.dtype),
                                    t->trainable ? "True" : "False", values);
    Py_XDECREF(values);
    Py_DECREF(path);
    return text;
}

static PyMethodDef variable_methods[] = {
    {"assign", variable_assign, METH_O,
     "assign(value, /)\n--\n\nTake new values of the same shape; converted to the variable's dtype. Returns the "
     "variable."},
    {"assign_add", variable_assign_add, METH_O,
     "assign_add(value, /)\n--\n\nAdd value (of the same shape, or a number). Returns the variable."},
    {"assign_sub", variable_assign_sub, METH_O,
     "assign_sub(value, /)\n--\n\nSubtract value (of the same shape, or a number). Returns the variable."},
    {"__copy__", variable_copy, METH_NOARGS, NULL},
    {"__deepcopy__", variable_deepcopy, METH_O, NULL},
    {"__reduce__", variable_reduce, METH_NOARGS, NULL},
    {"__setstate__", variable_setstate, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef variable_getset[] = {
    {"trainable", get_trainable, set_trainable, "True if tapes watch it and optimizers may change it.", NULL},
    {"name", get_name, set_name, "Its name.", NULL},
    {"path", get_path, set_path, "Its name with its layer's before it, e.g. 'conv2d/kernel'.", NULL},
    {"value", get_value, NULL, "A Tensor with the values of now, which later assignments do not change.", NULL},
    {"aggregation", get_aggregation, NULL, "'none': there is one device.", NULL},
    {"synchronization", get_synchronization, NULL, "'auto': there is one device.", NULL},
    {"overwrite_with_gradient", get_overwrite, set_overwrite, "False: there are no quantised dtypes.", NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef variable_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(VariableObject, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(VariableObject, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot variable_slots[] = {
    {Py_tp_doc,
     "Variable(initializer, shape=None, dtype=None, trainable=True, autocast=True, aggregation='none', "
     "synchronization='auto', name=None)\n--\n\n"
     "A tensor that can be assigned new values.\n\n"
     "INITIALIZER is its first value, or a function (or the name of one of cnnpy.initializers) that makes it of SHAPE "
     "and DTYPE.\n"
     "Tapes watch it while it is trainable, which only float variables are. Operators and ops on it give Tensors. "
     "AUTOCAST,\nAGGREGATION and SYNCHRONIZATION are taken for Keras's sake: there is no half precision and one "
     "device."},
    {Py_tp_new, variable_new},
    {Py_tp_init, variable_init},
    {Py_tp_dealloc, variable_dealloc},
    {Py_tp_traverse, variable_traverse},
    {Py_tp_clear, variable_clear},
    {Py_tp_repr, variable_repr},
    {Py_tp_methods, variable_methods},
    {Py_tp_getset, variable_getset},
    {Py_tp_members, variable_members},
    {0, NULL},
};

static PyType_Spec variable_spec = {
    .name = "cnnpy.Variable",
    .basicsize = sizeof(VariableObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = variable_slots,
};

static PyMethodDef functions[] = {
    {"update_moving_average", update_moving_average, METH_VARARGS,
     "update_moving_average(variable, value, momentum, /)\n--\n\nvariable = variable * momentum + value * (1 - "
     "momentum), in place."},
    {NULL, NULL, 0, NULL},
};

int cnn_add_variable_type(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    state->variable_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &variable_spec, (PyObject *)state->tensor_type);
    if (!state->variable_type || PyModule_AddType(module, state->variable_type) < 0) return -1;
    PyObject *type = (PyObject *)state->variable_type; /* what optimizers and layers ask for; each may have its own */
    if (PyObject_SetAttrString(type, "constraint", Py_None) < 0 ||
        PyObject_SetAttrString(type, "regularizer", Py_None) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
