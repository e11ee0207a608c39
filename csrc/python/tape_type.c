/* cnnpy.GradientTape: the core's tape, with nested structures of tensors in and out. */
#include "python/binding.h"

#include "runtime/memory.h"

#include <string.h>

typedef struct {
    PyObject_HEAD cnn_tape *tape;
} TapeObject;

/* What stop_recording() gives: leaves the tape on entry, goes back to it on exit. */
typedef struct {
    PyObject_HEAD TapeObject *tape;
} PauseObject;

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

static PyObject *none_or_raise(cnn_status status)
{
    if (status != CNN_OK) return cnn_raise(status, "GradientTape");
    Py_RETURN_NONE;
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
    return none_or_raise(cnn_tape_stop(((TapeObject *)object)->tape));
}

static PyObject *tape_reset(PyObject *object, PyObject *unused)
{
    (void)unused;
    return none_or_raise(cnn_tape_reset(((TapeObject *)object)->tape));
}

/* ---- stop_recording ---- */

static PyObject *tape_stop_recording(PyObject *object, PyObject *unused)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    (void)unused;
    PauseObject *pause = (PauseObject *)state->pause_type->tp_alloc(state->pause_type, 0);
    if (pause) pause->tape = (TapeObject *)Py_NewRef(object);
    return (PyObject *)pause;
}

static PyObject *pause_enter(PyObject *object, PyObject *unused)
{
    cnn_tape *tape = ((PauseObject *)object)->tape->tape;
    (void)unused;
    if (!cnn_tape_is_recording(tape)) {
        PyErr_SetString(PyExc_RuntimeError, "GradientTape.stop_recording: the tape is not recording");
        return NULL;
    }
    return none_or_raise(cnn_tape_stop(tape));
}

static PyObject *pause_exit(PyObject *object, PyObject *args)
{
    (void)args;
    return none_or_raise(cnn_tape_start(((PauseObject *)object)->tape->tape));
}

static void pause_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(((PauseObject *)object)->tape);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- nested structures: dictionaries, lists and tuples of tensors ---- */

/* Appends the leaves of OBJECT to LIST, dictionaries in their own order. */
static int flatten(const cnn_module_state *state, PyObject *object, PyObject *list)
{
    if (cnn_is_tensor(state, object) || object == Py_None) return PyList_Append(list, object);
    int result = 0;
    if (Py_EnterRecursiveCall(" in a nested structure of tensors")) return -1;
    if (PyList_Check(object) || PyTuple_Check(object)) {
        for (Py_ssize_t i = 0; result == 0 && i < PySequence_Fast_GET_SIZE(object); i++)
            result = flatten(state, PySequence_Fast_GET_ITEM(object, i), list);
    } else if (PyDict_Check(object)) {
        PyObject *value;
        Py_ssize_t position = 0;
        while (result == 0 && PyDict_Next(object, &position, NULL, &value)) result = flatten(state, value, list);
    } else {
        result = PyList_Append(list, object); /* refused by whoever reads the list */
    }
    Py_LeaveRecursiveCall();
    return result;
}

/* The structure of OBJECT with the ITEMS from *AT on in the places of its leaves. */
static PyObject *pack(PyObject *object, PyObject *items, Py_ssize_t *at)
{
    if (PyDict_Check(object)) {
        PyObject *dict = PyDict_New(), *key, *value;
        Py_ssize_t position = 0;
        while (dict && PyDict_Next(object, &position, &key, &value)) {
            PyObject *part = pack(value, items, at);
            if (!part || PyDict_SetItem(dict, key, part) < 0) Py_CLEAR(dict);
            Py_XDECREF(part);
        }
        return dict;
    }
    if (!PyList_Check(object) && !PyTuple_Check(object)) {
        if (*at < PyList_GET_SIZE(items)) return Py_NewRef(PyList_GET_ITEM(items, (*at)++));
        PyErr_SetString(PyExc_RuntimeError, "GradientTape.gradient: sources were changed by another thread");
        return NULL;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *part = pack(PySequence_Fast_GET_ITEM(object, i), items, at);
        if (part) PyList_SET_ITEM(list, i, part);
        else Py_CLEAR(list);
    }
    if (!list || PyList_Check(object)) return list;
    PyObject *tuple = PyList_AsTuple(list), *named = NULL;
    Py_DECREF(list);
    if (!tuple || PyTuple_CheckExact(object) || !PyObject_HasAttrString(object, "_make")) return tuple;
    named = PyObject_CallMethod((PyObject *)Py_TYPE(object), "_make", "(O)", tuple);
    Py_DECREF(tuple);
    return named;
}

/* The leaves of a structure, and the tensors in them. */
typedef struct {
    PyObject *items; /* list */
    cnn_tensor **tensors;
    Py_ssize_t count;
} leaves;

static void free_leaves(leaves *l)
{
    cnn_free(l->tensors);
    Py_CLEAR(l->items);
}

/* WHAT names the structure in messages; None stands for no tensor if ALLOW_NONE. */
static int collect(const cnn_module_state *state, PyObject *object, const char *what, bool allow_none, leaves *l)
{
    l->items = PyList_New(0);
    if (!l->items || flatten(state, object, l->items) < 0) return -1;
    l->count = PyList_GET_SIZE(l->items);
    l->tensors = cnn_alloc((size_t)l->count * sizeof *l->tensors);
    if (!l->tensors) {
        cnn_raise(CNN_ERR_MEMORY, "GradientTape");
        return -1;
    }
    for (Py_ssize_t i = 0; i < l->count; i++) {
        PyObject *item = PyList_GET_ITEM(l->items, i);
        if (cnn_is_tensor(state, item)) l->tensors[i] = cnn_tensor_in(item);
        else if (item == Py_None && allow_none) l->tensors[i] = NULL;
        else {
            PyErr_Format(PyExc_TypeError,
                         "GradientTape: %s must be a Tensor or Variable, or a list, tuple or dictionary of them, got "
                         "%R of type %s; "
                         "convert arrays with cnnpy.array() and watch them",
                         what, item, Py_TYPE(item)->tp_name);
            return -1;
        }
    }
    return 0;
}

/* ---- watch, gradient ---- */

static PyObject *tape_watch(PyObject *object, PyObject *value)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    leaves l = {0};
    int failed = collect(state, value, "what is watched", false, &l) < 0;
    for (Py_ssize_t i = 0; !failed && i < l.count; i++) {
        cnn_status status = cnn_tape_watch(((TapeObject *)object)->tape, l.tensors[i]);
        if (status != CNN_OK) cnn_raise(status, "GradientTape.watch");
        failed = status != CNN_OK;
    }
    free_leaves(&l);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

/* The gradients, whose references it takes, as a list; absent ones are None, or zeros. */
static PyObject *wrap_gradients(cnn_module_state *state, const leaves *sources, cnn_tensor **grads, bool zeros)
{
    PyObject *list = PyList_New(sources->count);
    for (Py_ssize_t j = 0; j < sources->count; j++) {
        cnn_status status = CNN_OK;
        if (!grads[j] && zeros && list) status = cnn_tensor_zeros(&sources->tensors[j]->shape, &grads[j]);
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

static cnn_status gradient_without_gil(cnn_tape *tape, const leaves *targets, const leaves *weights,
                                       const leaves *sources, cnn_tensor **grads)
{
    cnn_status status;
    Py_BEGIN_ALLOW_THREADS;
    status = cnn_tape_gradient(tape, targets->tensors, weights->tensors, (int)targets->count, sources->tensors,
                               (int)sources->count, grads);
    Py_END_ALLOW_THREADS;
    return status;
}

static PyObject *compute(cnn_module_state *state, cnn_tape *tape, const leaves *targets, const leaves *weights,
                         const leaves *sources, bool zeros)
{
    if (weights->items && weights->count != targets->count)
        return PyErr_Format(PyExc_ValueError, "GradientTape.gradient: %zd targets but %zd output_gradients",
                            targets->count, weights->count);
    cnn_tensor **grads = cnn_alloc_zero((size_t)sources->count * sizeof *grads);
    if (!grads) return cnn_raise(CNN_ERR_MEMORY, "GradientTape.gradient");
    cnn_status status = gradient_without_gil(tape, targets, weights, sources, grads);
    PyObject *list =
        status == CNN_OK ? wrap_gradients(state, sources, grads, zeros) : cnn_raise(status, "GradientTape.gradient");
    cnn_free(grads);
    return list;
}

static PyObject *tape_gradient(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"target", "sources", "output_gradients", "unconnected_gradients", NULL};
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    PyObject *target, *source, *weight = Py_None, *list = NULL, *result = NULL;
    const char *unconnected = "none";
    leaves targets = {0}, sources = {0}, weights = {0};
    Py_ssize_t at = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|Os:gradient", names, &target, &source, &weight, &unconnected))
        return NULL;
    bool zeros = strcmp(unconnected, "zero") == 0;
    if (!zeros && strcmp(unconnected, "none") != 0)
        return PyErr_Format(PyExc_ValueError,
                            "GradientTape.gradient: unconnected_gradients must be 'none' or 'zero', got '%s'",
                            unconnected);
    if (collect(state, target, "target", false, &targets) == 0 &&
        collect(state, source, "sources", false, &sources) == 0 &&
        (weight == Py_None || collect(state, weight, "output_gradients", true, &weights) == 0))
        list = compute(state, ((TapeObject *)object)->tape, &targets, &weights, &sources, zeros);
    if (list) result = pack(source, list, &at);
    Py_XDECREF(list);
    free_leaves(&targets);
    free_leaves(&sources);
    free_leaves(&weights);
    return result;
}

static PyObject *refuse(const char *name)
{
    return PyErr_Format(
        PyExc_NotImplementedError,
        "GradientTape.%s: only gradients of scalars (or of sums) are offered; call gradient() with a persistent tape "
        "once for each element, or weigh the elements by output_gradients",
        name);
}

static PyObject *tape_jacobian(PyObject *object, PyObject *args, PyObject *kwargs)
{
    (void)object;
    (void)args;
    (void)kwargs;
    return refuse("jacobian");
}

static PyObject *tape_batch_jacobian(PyObject *object, PyObject *args, PyObject *kwargs)
{
    (void)object;
    (void)args;
    (void)kwargs;
    return refuse("batch_jacobian");
}

static PyObject *tape_watched_variables(PyObject *object, PyObject *unused)
{
    int count;
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    cnn_tensor *const *tensors;
    (void)unused;
    cnn_status status = cnn_tape_leaves(((TapeObject *)object)->tape, &tensors, &count);
    if (status != CNN_OK) return cnn_raise(status, "GradientTape.watched_variables");
    PyObject *list = PyList_New(0), *tuple;
    for (int i = 0; list && i < count; i++) {
        if (!tensors[i]->variable) continue;
        PyObject *variable = cnn_variable_of(state, tensors[i]);
        if (!variable || PyList_Append(list, variable) < 0) Py_CLEAR(list);
        Py_XDECREF(variable);
    }
    tuple = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return tuple;
}

#define KEYWORDS(function) (PyCFunction)(void (*)(void)) function, METH_VARARGS | METH_KEYWORDS

static PyMethodDef tape_methods[] = {
    {"__enter__", tape_enter, METH_NOARGS, NULL},
    {"__exit__", tape_exit, METH_VARARGS, NULL},
    {"_start", tape_enter, METH_NOARGS, "Start recording (what `with` does)."},
    {"_stop", tape_exit, METH_VARARGS, "Stop recording."},
    {"watch", tape_watch, METH_O,
     "watch(tensor, /)\n--\n\nFollow this float tensor, or those in a list, tuple or dictionary. Trainable variables "
     "are followed of themselves."},
    {"gradient", KEYWORDS(tape_gradient),
     "gradient(target, sources, output_gradients=None, unconnected_gradients='none')\n--\n\n"
     "Gradients of the sum of target with respect to sources, in the structure of sources (a tensor, or lists, tuples "
     "and "
     "dictionaries of them). Elements of target are weighed by output_gradients. Where target does not depend on a "
     "source: None, "
     "or zeros if unconnected_gradients is 'zero'. A tape that is not persistent is used up by this."},
    {"jacobian", KEYWORDS(tape_jacobian), "Not offered; raises NotImplementedError."},
    {"batch_jacobian", KEYWORDS(tape_batch_jacobian), "Not offered; raises NotImplementedError."},
    {"stop_recording", tape_stop_recording, METH_NOARGS,
     "stop_recording()\n--\n\nA context manager inside which the tape does not record."},
    {"reset", tape_reset, METH_NOARGS, "reset()\n--\n\nForget everything recorded."},
    {"watched_variables", tape_watched_variables, METH_NOARGS,
     "watched_variables()\n--\n\nThe Variables that were used, a tuple in the order of their first use."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot tape_slots[] = {
    {Py_tp_doc, "GradientTape(persistent=False, watch_accessed_variables=True)\n--\n\n"
                "Records what is computed inside its `with` block and gives gradients of it.\n\n"
                "Several tapes may record at a time. There are no second derivatives: of a gradient that was computed "
                "while a tape recorded, that tape gives none."},
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

static PyMethodDef pause_methods[] = {
    {"__enter__", pause_enter, METH_NOARGS, NULL},
    {"__exit__", pause_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot pause_slots[] = {
    {Py_tp_dealloc, pause_dealloc},
    {Py_tp_methods, pause_methods},
    {0, NULL},
};

static PyType_Spec pause_spec = {
    .name = "cnnpy._core.Pause",
    .basicsize = sizeof(PauseObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = pause_slots,
};

int cnn_add_tape_type(PyObject *module)
{
    cnn_module_state *state = PyModule_GetState(module);
    state->pause_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &pause_spec, NULL);
    state->tape_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &tape_spec, NULL);
    return state->pause_type && state->tape_type ? PyModule_AddType(module, state->tape_type) : -1;
}
