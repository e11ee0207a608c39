/* cnnpy.Variable: a tensor that can be assigned, and that tapes watch while it is trainable. */
#include "python/binding.h"

#include <string.h>

static int variable_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    (void)object;
    (void)args;
    (void)kwargs;
    return 0; /* all is done in new */
}

static PyObject *variable_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"value", "trainable", "dtype", "name", NULL};
    PyObject *value, *dtype_object = Py_None, *name = Py_None;
    int trainable = 1;
    cnn_module_state *state = cnn_state_of_type(type);
    cnn_dtype dtype;
    cnn_tensor *t;
    if (!state || !PyArg_ParseTupleAndKeywords(args, kwargs, "O|pOO:Variable", names, &value, &trainable, &dtype_object, &name))
        return NULL;
    if (dtype_object != Py_None && cnn_dtype_from_object(dtype_object, &dtype) < 0) return NULL;
    if (name != Py_None && !PyUnicode_Check(name)) return PyErr_Format(PyExc_TypeError, "Variable: name must be a str, got %R", name);
    cnn_status status = cnn_tensor_from_object(state, value, dtype_object == Py_None ? -1 : (int)dtype, -1, true, &t);
    if (status != CNN_OK) return cnn_raise(status, "Variable");
    VariableObject *self = (VariableObject *)type->tp_alloc(type, 0);
    if (!self) {
        cnn_tensor_release(t);
        return NULL;
    }
    t->trainable = trainable && cnn_dtype_is_float(t->shape.dtype);
    self->base.t = t;
    self->name = name == Py_None ? PyUnicode_InternFromString("variable") : Py_NewRef(name);
    return (PyObject *)self;
}

static void variable_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    cnn_tensor_release(((TensorObject *)object)->t);
    Py_XDECREF(((VariableObject *)object)->name);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *variable_assign(PyObject *object, PyObject *value)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    cnn_tensor *t = cnn_tensor_in(object), *v;
    char a[CNN_SHAPE_TEXT], b[CNN_SHAPE_TEXT];
    cnn_status status = cnn_tensor_from_object(state, value, (int)t->shape.dtype, -1, false, &v);
    if (status == CNN_OK && !cnn_shape_equal(&t->shape, &v->shape))
        status = cnn_fail(CNN_ERR_VALUE, "the variable has shape %s, the value %s; they must agree",
                          cnn_shape_text(&t->shape, a), cnn_shape_text(&v->shape, b));
    if (status == CNN_OK) {
        if (cnn_tensor_owns_storage(t)) {
            memmove(t->data, v->data, cnn_tensor_bytes(t));
        } else { /* somebody still reads the old values */
            cnn_tensor *own;
            status = cnn_tensor_copy(v, &own);
            if (status == CNN_OK) {
                cnn_tensor_set_storage(t, own);
                cnn_tensor_release(own);
            }
        }
    }
    cnn_tensor_release(v);
    if (status != CNN_OK) {
        PyObject *prefix = PyUnicode_FromFormat("Variable \"%U\"", ((VariableObject *)object)->name);
        cnn_raise(status, prefix ? PyUnicode_AsUTF8(prefix) : NULL);
        Py_XDECREF(prefix);
        return NULL;
    }
    return Py_NewRef(object);
}

static PyObject *variable_get_trainable(PyObject *object, void *closure)
{
    (void)closure;
    return PyBool_FromLong(cnn_tensor_in(object)->trainable);
}

static int variable_set_trainable(PyObject *object, PyObject *value, void *closure)
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

static PyObject *variable_get_name(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef(((VariableObject *)object)->name);
}

static PyMethodDef variable_methods[] = {
    {"assign", variable_assign, METH_O, "Take new values (same shape); converted to the variable's dtype. Returns the variable."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef variable_getset[] = {
    {"trainable", variable_get_trainable, variable_set_trainable, "True if tapes watch it and optimizers may change it.", NULL},
    {"name", variable_get_name, NULL, "Its name.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot variable_slots[] = {
    {Py_tp_doc, "Variable(value, trainable=True, dtype=None, name=None)\n--\n\nA tensor that can be assigned new values."},
    {Py_tp_new, variable_new},
    {Py_tp_init, variable_init},
    {Py_tp_dealloc, variable_dealloc},
    {Py_tp_methods, variable_methods},
    {Py_tp_getset, variable_getset},
    {0, NULL},
};

static PyType_Spec variable_spec = {
    .name = "cnnpy.Variable",
    .basicsize = sizeof(VariableObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = variable_slots,
};

int cnn_add_variable_type(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    state->variable_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &variable_spec, (PyObject *)state->tensor_type);
    return state->variable_type ? PyModule_AddType(module, state->variable_type) : -1;
}
