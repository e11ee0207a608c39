/* cnnpy.GradientTape. */
#include "python/binding.h"

#include "runtime/memory.h"

typedef struct {
    PyObject_HEAD
    cnn_tape *tape;
    bool recording_again; /* left by stop_recording */
} TapeObject;

static PyObject *tape_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"persistent", "watch_accessed_variables", NULL};
    int persistent = 0, watch = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|pp:GradientTape", names, &persistent, &watch)) return NULL;
    TapeObject *self = (TapeObject *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    self->tape = cnn_tape_new(persistent, watch);
    if (!self->tape) {
        Py_DECREF(self);
        return cnn_raise(CNN_ERR_MEMORY, "GradientTape");
    }
    return (PyObject *)self;
}

static void tape_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    cnn_tape_free(((TapeObject *)object)->tape);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *tape_enter(PyObject *object, PyObject *unused)
{
    (void)unused;
    cnn_status status = cnn_tape_start(((TapeObject *)object)->tape);
    return status == CNN_OK ? Py_NewRef(object) : cnn_raise(status, "GradientTape");
}

static PyObject *tape_exit(PyObject *object, PyObject *args)
{
    (void)args;
    cnn_tape_stop(((TapeObject *)object)->tape);
    Py_RETURN_NONE;
}

static PyObject *tape_watch(PyObject *object, PyObject *value)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    PyObject *items = cnn_is_tensor(state, value) ? PyTuple_Pack(1, value) : PySequence_Fast(value, "GradientTape.watch takes a Tensor or a list of them");
    if (!items) return NULL;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        cnn_status status = CNN_OK;
        if (!cnn_is_tensor(state, item)) PyErr_Format(PyExc_TypeError, "GradientTape.watch: takes Tensors, got %R; convert it with cnnpy.array()", item);
        else if ((status = cnn_tape_watch(((TapeObject *)object)->tape, cnn_tensor_in(item))) != CNN_OK) cnn_raise(status, "GradientTape.watch");
        if (PyErr_Occurred()) {
            Py_DECREF(items);
            return NULL;
        }
    }
    Py_DECREF(items);
    Py_RETURN_NONE;
}

/* OBJECT's tensors into a new array of borrowed pointers (the fast sequence *ITEMS keeps them alive). */
static cnn_tensor **collect(cnn_module_state *state, PyObject *object, const char *what, bool allow_none, PyObject **items)
{
    *items = cnn_is_tensor(state, object) || object == Py_None ? PyTuple_Pack(1, object) : PySequence_Fast(object, "");
    if (!*items) {
        PyErr_Format(PyExc_TypeError, "GradientTape.gradient: %s must be a Tensor or a list of Tensors, got %R", what, object);
        return NULL;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(*items);
    cnn_tensor **tensors = cnn_alloc((size_t)count * sizeof *tensors);
    if (!tensors) {
        cnn_raise(CNN_ERR_MEMORY, "GradientTape.gradient");
        Py_CLEAR(*items);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(*items, i);
        if (allow_none && item == Py_None) tensors[i] = NULL;
        else if (cnn_is_tensor(state, item)) tensors[i] = cnn_tensor_in(item);
        else {
            PyErr_Format(PyExc_TypeError, "GradientTape.gradient: %s must hold Tensors, got %R", what, item);
            cnn_free(tensors);
            Py_CLEAR(*items);
            return NULL;
        }
    }
    return tensors;
}

static PyObject *wrap_gradients(cnn_module_state *state, cnn_tensor *const *sources, cnn_tensor **grads, Py_ssize_t count, bool zeros)
{
    PyObject *list = PyList_New(count);
    for (Py_ssize_t j = 0; j < count; j++) {
        cnn_status status = CNN_OK;
        if (!grads[j] && zeros && list) status = cnn_tensor_zeros(&sources[j]->shape, &grads[j]);
        if (status != CNN_OK) {
            cnn_raise(status, "GradientTape.gradient");
            Py_CLEAR(list);
        }
        if (!list) {
            cnn_tensor_release(grads[j]);
            continue;
        }
        PyObject *item = grads[j] ? cnn_wrap_tensor(state, grads[j]) : Py_NewRef(Py_None);
        if (item) PyList_SET_ITEM(list, j, item);
        else Py_CLEAR(list);
    }
    return list;
}

static PyObject *tape_gradient(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"target", "sources", "output_gradients", "unconnected_gradients", NULL};
    TapeObject *self = (TapeObject *)object;
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    PyObject *target, *sources, *weights = Py_None, *target_items = NULL, *source_items = NULL, *weight_items = NULL, *result = NULL;
    cnn_tensor **t = NULL, **s = NULL, **w = NULL, **g = NULL;
    const char *unconnected = "none";
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|Os:gradient", names, &target, &sources, &weights, &unconnected)) return NULL;
    bool zeros = strcmp(unconnected, "zero") == 0;
    if (!zeros && strcmp(unconnected, "none") != 0)
        return PyErr_Format(PyExc_ValueError, "GradientTape.gradient: unconnected_gradients must be 'none' or 'zero', got '%s'", unconnected);

    if (!(t = collect(state, target, "target", false, &target_items))) goto done;
    if (!(s = collect(state, sources, "sources", false, &source_items))) goto done;
    Py_ssize_t targets = PySequence_Fast_GET_SIZE(target_items), count = PySequence_Fast_GET_SIZE(source_items);
    if (weights != Py_None) {
        if (!(w = collect(state, weights, "output_gradients", true, &weight_items))) goto done;
        if (PySequence_Fast_GET_SIZE(weight_items) != targets) {
            PyErr_Format(PyExc_ValueError, "GradientTape.gradient: %zd targets but %zd output_gradients", targets, PySequence_Fast_GET_SIZE(weight_items));
            goto done;
        }
    }
    if (!(g = cnn_alloc_zero((size_t)count * sizeof *g))) {
        cnn_raise(CNN_ERR_MEMORY, "GradientTape.gradient");
        goto done;
    }
    cnn_status status;
    Py_BEGIN_ALLOW_THREADS
    status = cnn_tape_gradient(self->tape, t, w, (int)targets, s, (int)count, g);
    Py_END_ALLOW_THREADS
    if (status != CNN_OK) {
        cnn_raise(status, "GradientTape.gradient");
        goto done;
    }
    result = wrap_gradients(state, s, g, count, zeros);
    if (result && cnn_is_tensor(state, sources)) {
        PyObject *only = Py_NewRef(PyList_GET_ITEM(result, 0));
        Py_SETREF(result, only);
    }
done:
    cnn_free(t);
    cnn_free(s);
    cnn_free(w);
    cnn_free(g);
    Py_XDECREF(target_items);
    Py_XDECREF(source_items);
    Py_XDECREF(weight_items);
    return result;
}

static PyObject *tape_reset(PyObject *object, PyObject *unused)
{
    (void)unused;
    cnn_tape_reset(((TapeObject *)object)->tape);
    Py_RETURN_NONE;
}

static PyObject *tape_watched(PyObject *object, PyObject *unused)
{
    int count;
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    cnn_tensor *const *leaves = cnn_tape_leaves(((TapeObject *)object)->tape, &count);
    (void)unused;
    PyObject *list = PyList_New(count);
    for (int i = 0; list && i < count; i++) {
        PyObject *item = cnn_wrap_tensor(state, cnn_tensor_retain(leaves[i]));
        if (item) PyList_SET_ITEM(list, i, item);
        else Py_CLEAR(list);
    }
    return list;
}

static PyMethodDef tape_methods[] = {
    {"__enter__", tape_enter, METH_NOARGS, NULL},
    {"__exit__", tape_exit, METH_VARARGS, NULL},
    {"_start", tape_enter, METH_NOARGS, "Start recording (what `with` does)."},
    {"_stop", tape_exit, METH_VARARGS, "Stop recording."},
    {"watch", tape_watch, METH_O, "Follow this tensor, or these; trainable variables are followed of themselves."},
    {"gradient", (PyCFunction)(void (*)(void))tape_gradient, METH_VARARGS | METH_KEYWORDS,
     "gradient(target, sources, output_gradients=None, unconnected_gradients='none')\n--\n\n"
     "Gradients of the sum of target with respect to sources: a Tensor or None for one source, a list for a list."},
    {"reset", tape_reset, METH_NOARGS, "Forget everything recorded."},
    {"_watched", tape_watched, METH_NOARGS, "Tensors over the watched leaves, in the order they were first used."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot tape_slots[] = {
    {Py_tp_doc, "GradientTape(persistent=False, watch_accessed_variables=True)\n--\n\n"
                "Records what is computed inside its `with` block and gives gradients of it. Tapes cannot be nested."},
    {Py_tp_new, tape_new},
    {Py_tp_dealloc, tape_dealloc},
    {Py_tp_methods, tape_methods},
    {0, NULL},
};

static PyType_Spec tape_spec = {
    .name = "cnnpy.GradientTape",
    .basicsize = sizeof(TapeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = tape_slots,
};

int cnn_add_tape_type(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    state->tape_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &tape_spec, NULL);
    return state->tape_type ? PyModule_AddType(module, state->tape_type) : -1;
}
