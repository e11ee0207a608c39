/* Ops as Python callables: _core.conv2d(x, kernel, bias, strides=(2, 2)).
 *
 * One type serves all ops through their descriptors. `op.bind(label, **attributes)` parses attributes once and gives a
 * callable that only takes tensors, which is what layers keep; LABEL goes before error messages. */
#include "python/binding.h"

#include "runtime/memory.h"

#include <stdio.h>
#include <string.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD const cnn_op *op;
    cnn_module_state *state;
    PyObject *module; /* keeps the state alive */
    PyObject *label;  /* str or NULL */
    void *attrs;      /* op->attrs_size bytes */
    vectorcallfunc vectorcall;
} OpObject;

#define MAX_ATTRS_SIZE 1024
#define INLINE_INPUTS 16

static const char *label_of(const OpObject *self)
{
    const char *text = self->label ? PyUnicode_AsUTF8(self->label) : NULL;
    return text ? text : self->op->name;
}

/* ---- attributes ---- */

static int set_ints(const OpObject *self, const cnn_attr *attr, PyObject *value, cnn_ints *out)
{
    if (PyIndex_Check(value)) {
        out->count = 1;
        out->at[0] = PyLong_AsLongLong(value);
        return out->at[0] == -1 && PyErr_Occurred() ? -1 : 0;
    }
    PyObject *items = PySequence_Fast(value, "");
    if (!items) {
        PyErr_Format(PyExc_TypeError, "%s: %s must be an integer or a sequence of integers, got %R", label_of(self),
                     attr->name, value);
        return -1;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    int result = 0;
    if (count > CNN_MAX_INTS) {
        PyErr_Format(PyExc_ValueError, "%s: %s has %zd entries, at most %d are possible", label_of(self), attr->name,
                     count, CNN_MAX_INTS);
        result = -1;
    }
    for (Py_ssize_t i = 0; result == 0 && i < count; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        if (!PyIndex_Check(item)) {
            PyErr_Format(PyExc_TypeError, "%s: %s must hold integers, got %R", label_of(self), attr->name, value);
            result = -1;
            break;
        }
        out->at[i] = PyLong_AsLongLong(item);
        if (out->at[i] == -1 && PyErr_Occurred()) result = -1;
    }
    out->count = count;
    Py_DECREF(items);
    return result;
}

static int set_enum(const OpObject *self, const cnn_attr *attr, PyObject *value, int *out)
{
    const char *text = PyUnicode_Check(value) ? PyUnicode_AsUTF8(value) : NULL;
    char choices[400];
    size_t at = 0;
    for (int i = 0; attr->names[i]; i++) {
        if (text && strcmp(text, attr->names[i]) == 0) {
            *out = i;
            return 0;
        }
        if (at < sizeof choices)
            at += (size_t)snprintf(choices + at, sizeof choices - at, "%s'%s'", i ? ", " : "", attr->names[i]);
    }
    PyErr_Format(PyExc_ValueError, "%s: %s must be one of %s, got %R", label_of(self), attr->name, choices, value);
    return -1;
}

static int set_attr(const OpObject *self, const cnn_attr *attr, PyObject *value, void *attrs)
{
    void *target = (char *)attrs + attr->offset;
    switch (attr->kind) {
    case CNN_ATTR_INT: {
        long long n = PyLong_AsLongLong(value);
        if (n == -1 && PyErr_Occurred()) break;
        *(int64_t *)target = n;
        return 0;
    }
    case CNN_ATTR_FLOAT: {
        double x = PyFloat_AsDouble(value);
        if (x == -1.0 && PyErr_Occurred()) break;
        *(double *)target = x;
        return 0;
    }
    case CNN_ATTR_BOOL: {
        int truth = PyObject_IsTrue(value);
        if (truth < 0) break;
        *(bool *)target = truth;
        return 0;
    }
    case CNN_ATTR_SEED: {
        uint64_t seed = PyLong_AsUnsignedLongLongMask(value);
        if (PyErr_Occurred()) break;
        *(uint64_t *)target = seed;
        return 0;
    }
    case CNN_ATTR_ENUM: return set_enum(self, attr, value, target);
    case CNN_ATTR_INTS: return set_ints(self, attr, value, target);
    case CNN_ATTR_DTYPE: return cnn_dtype_from_object(value, target);
    }
    PyErr_Format(PyExc_TypeError, "%s: %s must be a %s, got %R", label_of(self), attr->name,
                 attr->kind == CNN_ATTR_FLOAT  ? "number"
                 : attr->kind == CNN_ATTR_BOOL ? "bool"
                                               : "integer",
                 value);
    return -1;
}

static int set_attr_by_name(const OpObject *self, PyObject *name, PyObject *value, void *attrs)
{
    const char *text = PyUnicode_AsUTF8(name);
    char known[400] = "none";
    size_t at = 0;
    if (!text) return -1;
    for (int i = 0; i < self->op->attr_count; i++) {
        if (strcmp(self->op->attrs[i].name, text) == 0) return set_attr(self, &self->op->attrs[i], value, attrs);
        if (at < sizeof known)
            at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", self->op->attrs[i].name);
    }
    PyErr_Format(PyExc_TypeError, "%s: unknown argument '%U'; it has: %s", label_of(self), name, known);
    return -1;
}

/* ---- calling ---- */

static int input_from_object(const OpObject *self, PyObject *object, int like, cnn_tensor **out)
{
    if (cnn_is_tensor(self->state, object)) {
        *out = cnn_tensor_retain(cnn_tensor_in(object));
        return 0;
    }
    cnn_status status = cnn_tensor_from_object(self->state, object, -1, like, false, out);
    if (status == CNN_OK) return 0;
    cnn_raise(status, label_of(self));
    return -1;
}

/* The dtype that Python numbers among the inputs take: that of the first float tensor, else of the first tensor. */
static int neighbour_dtype(const OpObject *self, PyObject *const *args, Py_ssize_t count)
{
    int like = -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!cnn_is_tensor(self->state, args[i])) continue;
        cnn_dtype dtype = cnn_tensor_in(args[i])->shape.dtype;
        if (cnn_dtype_is_float(dtype)) return (int)dtype;
        if (like < 0) like = (int)dtype;
    }
    return like;
}

/* OP on the values that variables have now: other threads may assign new ones meanwhile. */
static cnn_status apply_today(const cnn_op *op, const void *attrs, cnn_tensor **in, int inputs, bool quick,
                              cnn_tensor **out)
{
    cnn_tensor *today_inline[INLINE_INPUTS], **today = today_inline;
    cnn_status status = CNN_OK;
    if (inputs > INLINE_INPUTS && !(today = cnn_alloc((size_t)inputs * sizeof *today))) return CNN_ERR_MEMORY;
    memset(today, 0, (size_t)inputs * sizeof *today);
    for (int i = 0; status == CNN_OK && i < inputs; i++)
        if (in[i]) status = cnn_tensor_today(in[i], &today[i]);
    if (status == CNN_OK && quick) {
        status = cnn_op_apply(op, attrs, today, inputs, out);
    } else if (status == CNN_OK) {
        Py_BEGIN_ALLOW_THREADS;
        status = cnn_op_apply(op, attrs, today, inputs, out);
        Py_END_ALLOW_THREADS;
    }
    for (int i = 0; i < inputs; i++) cnn_tensor_release(today[i]);
    if (today != today_inline) cnn_free(today);
    return status;
}

PyObject *cnn_run_op(cnn_module_state *state, const cnn_op *op, const void *attrs, cnn_tensor **in, int inputs,
                     const char *label, bool quick)
{
    cnn_tensor *out[CNN_MAX_OUTPUTS];
    cnn_status status = apply_today(op, attrs, in, inputs, quick, out);
    if (status != CNN_OK) return cnn_raise(status, label ? label : op->name);
    if (op->outputs == 1) return cnn_wrap_tensor(state, out[0]);
    PyObject *tuple = PyTuple_New(op->outputs);
    for (int k = 0; k < op->outputs; k++) {
        PyObject *item = tuple ? cnn_wrap_tensor(state, out[k]) : NULL;
        if (!tuple) cnn_tensor_release(out[k]);
        else if (item) PyTuple_SET_ITEM(tuple, k, item);
        else Py_CLEAR(tuple); /* the rest is released in this branch above */
    }
    return tuple;
}

static PyObject *op_call(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    OpObject *self = (OpObject *)callable;
    const cnn_op *op = self->op;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf), extra = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    char changed[MAX_ATTRS_SIZE];
    const void *attrs = self->attrs;
    if (extra) {
        memcpy(changed, self->attrs, op->attrs_size);
        for (Py_ssize_t i = 0; i < extra; i++)
            if (set_attr_by_name(self, PyTuple_GET_ITEM(kwnames, i), args[count + i], changed) < 0) return NULL;
        attrs = changed;
    }

    PyObject *list = NULL;
    if (op->variadic) {
        if (count != 1)
            return PyErr_Format(PyExc_TypeError, "%s: takes one list of tensors, got %zd arguments", label_of(self),
                                count);
        list = PySequence_Tuple(args[0]); /* not the caller's list, which a conversion below could change */
        if (!list) return PyErr_Format(PyExc_TypeError, "%s: takes a list of tensors, got %R", label_of(self), args[0]);
        args = &PyTuple_GET_ITEM(list, 0);
        count = PyTuple_GET_SIZE(list);
    }
    if (count < op->min_inputs || (!op->variadic && count > op->max_inputs)) {
        PyErr_Format(PyExc_TypeError, "%s: takes %s%d tensors, got %zd", label_of(self),
                     op->variadic || op->min_inputs != op->max_inputs ? "at least " : "", op->min_inputs, count);
        Py_XDECREF(list);
        return NULL;
    }

    cnn_tensor *inputs_inline[INLINE_INPUTS];
    cnn_tensor **in = inputs_inline;
    int inputs = op->variadic ? (int)count : op->max_inputs;
    PyObject *result = NULL;
    if (inputs > INLINE_INPUTS && !(in = cnn_alloc((size_t)inputs * sizeof *in))) {
        Py_XDECREF(list);
        return cnn_raise(CNN_ERR_MEMORY, label_of(self));
    }
    memset(in, 0, (size_t)inputs * sizeof *in);
    int like = neighbour_dtype(self, args, count);
    int failed = 0;
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        if (args[i] == Py_None && i >= op->min_inputs && !op->variadic) continue;
        failed = input_from_object(self, args[i], like, &in[i]) < 0;
    }
    if (!failed) result = cnn_run_op(self->state, op, attrs, in, inputs, label_of(self), false);
    for (int i = 0; i < inputs; i++) cnn_tensor_release(in[i]);
    if (in != inputs_inline) cnn_free(in);
    Py_XDECREF(list);
    return result;
}

/* ---- the type ---- */

static OpObject *make_op(cnn_module_state *state, PyObject *module, const cnn_op *op, const void *attrs)
{
    OpObject *self = (OpObject *)state->op_type->tp_alloc(state->op_type, 0);
    if (!self) return NULL;
    self->op = op;
    self->state = state;
    self->module = Py_NewRef(module);
    self->vectorcall = op_call;
    self->attrs = cnn_alloc(op->attrs_size);
    if (!self->attrs) {
        Py_DECREF(self);
        cnn_raise(CNN_ERR_MEMORY, op->name);
        return NULL;
    }
    if (op->attrs_size) memcpy(self->attrs, attrs, op->attrs_size);
    return self;
}

static PyObject *op_bind(PyObject *object, PyObject *args, PyObject *kwargs)
{
    OpObject *self = (OpObject *)object;
    PyObject *label = Py_None, *name, *value;
    Py_ssize_t position = 0;
    if (!PyArg_ParseTuple(args, "|O:bind", &label)) return NULL;
    if (label != Py_None && !PyUnicode_Check(label))
        return PyErr_Format(PyExc_TypeError, "bind: label must be a str, got %R", label);
    OpObject *bound = make_op(self->state, self->module, self->op, self->attrs);
    if (!bound) return NULL;
    bound->label = label != Py_None ? Py_NewRef(label) : Py_XNewRef(self->label);
    while (kwargs && PyDict_Next(kwargs, &position, &name, &value))
        if (set_attr_by_name(bound, name, value, bound->attrs) < 0) {
            Py_DECREF(bound);
            return NULL;
        }
    return (PyObject *)bound;
}

static int op_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((OpObject *)object)->module);
    return 0;
}

static void op_dealloc(PyObject *object)
{
    OpObject *self = (OpObject *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_XDECREF(self->module);
    Py_XDECREF(self->label);
    cnn_free(self->attrs);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *op_repr(PyObject *object)
{
    return PyUnicode_FromFormat("<cnnpy op %s>", ((OpObject *)object)->op->name);
}

static PyObject *op_get_name(PyObject *object, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(((OpObject *)object)->op->name);
}

static PyObject *op_get_doc(PyObject *object, void *closure)
{
    const cnn_op *op = ((OpObject *)object)->op;
    (void)closure;
    return op->doc ? PyUnicode_FromString(op->doc) : Py_NewRef(Py_None);
}

static PyObject *op_get_attributes(PyObject *object, void *closure)
{
    const cnn_op *op = ((OpObject *)object)->op;
    (void)closure;
    PyObject *tuple = PyTuple_New(op->attr_count);
    for (int i = 0; tuple && i < op->attr_count; i++) {
        PyObject *name = PyUnicode_FromString(op->attrs[i].name);
        if (!name) Py_CLEAR(tuple);
        else PyTuple_SET_ITEM(tuple, i, name);
    }
    return tuple;
}

static PyObject *op_get_differentiable(PyObject *object, void *closure)
{
    (void)closure;
    return PyBool_FromLong(((OpObject *)object)->op->backward != NULL);
}

static PyMethodDef op_methods[] = {
    {"bind", (PyCFunction)(void (*)(void))op_bind, METH_VARARGS | METH_KEYWORDS,
     "bind(label=None, **attributes): the op with these attributes set; label goes before its error messages."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef op_getset[] = {
    {"__name__", op_get_name, NULL, NULL, NULL},
    {"__doc__", op_get_doc, NULL, NULL, NULL},
    {"attributes", op_get_attributes, NULL, "Names of the keyword arguments.", NULL},
    {"differentiable", op_get_differentiable, NULL, "True if gradients flow through it.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef op_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(OpObject, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot op_slots[] = {
    {Py_tp_dealloc, op_dealloc}, {Py_tp_traverse, op_traverse}, {Py_tp_call, PyVectorcall_Call}, {Py_tp_repr, op_repr},
    {Py_tp_methods, op_methods}, {Py_tp_getset, op_getset},     {Py_tp_members, op_members},     {0, NULL},
};

static PyType_Spec op_spec = {
    .name = "cnnpy._core.Op",
    .basicsize = sizeof(OpObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = op_slots,
};

int cnn_add_ops(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    state->op_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &op_spec, NULL);
    if (!state->op_type || PyModule_AddType(module, state->op_type) < 0) return -1;
    PyObject *names = PyTuple_New(0);
    for (int i = 0; names && cnn_all_ops[i]; i++) {
        const cnn_op *op = cnn_all_ops[i];
        if (op->attrs_size > MAX_ATTRS_SIZE || (!op->variadic && op->max_inputs > INLINE_INPUTS)) {
            PyErr_Format(PyExc_SystemError, "op %s has too large a descriptor", op->name);
            Py_DECREF(names);
            return -1;
        }
        PyObject *object = (PyObject *)make_op(state, module, op, op->attr_defaults);
        int failed = !object || PyModule_AddObjectRef(module, op->name, object) < 0;
        Py_XDECREF(object);
        PyObject *more = failed ? NULL : PyUnicode_FromString(op->name);
        PyObject *one = more ? PyTuple_Pack(1, more) : NULL;
        PyObject *longer = one ? PySequence_Concat(names, one) : NULL;
        Py_XDECREF(more);
        Py_XDECREF(one);
        Py_DECREF(names);
        names = longer;
    }
    if (!names) return -1;
    int result = PyModule_AddObjectRef(module, "op_names", names);
    Py_DECREF(names);
    return result;
}
