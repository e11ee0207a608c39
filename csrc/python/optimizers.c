/* _core.optimizer_step: a rule over all variables of a model, in place, in one call.
 *
 * Numbers may be scalar tensors (a learning rate that lives in a Variable) and the count of iterations may be a
 * Variable, which is then read and counted up here, so that a step costs Python one call whatever the number of
 * variables. */
#include "python/binding.h"

#include "optimizers/optimizer.h"
#include "runtime/memory.h"

#include <string.h>

static int number_from(cnn_module_state *state, PyObject *object, const char *what, double *out)
{
    if (!cnn_is_tensor(state, object)) {
        *out = PyFloat_AsDouble(object);
        return *out == -1 && PyErr_Occurred() ? -1 : 0;
    }
    const cnn_tensor *t = cnn_tensor_in(object);
    if (t->size != 1) {
        PyErr_Format(PyExc_ValueError, "optimizer_step: %s must be one number, got a tensor of %lld", what,
                     (long long)t->size);
        return -1;
    }
    switch (t->shape.dtype) {
    case CNN_BOOL:
    case CNN_UINT8: *out = *(const uint8_t *)t->data; break;
    case CNN_INT32: *out = *(const int32_t *)t->data; break;
    case CNN_INT64: *out = (double)*(const int64_t *)t->data; break;
    case CNN_FLOAT32: *out = (double)*(const float *)t->data; break;
    case CNN_FLOAT64: *out = *(const double *)t->data; break;
    case CNN_DTYPE_COUNT: break;
    }
    return 0;
}

/* ITEMS's tensors into OUT, which takes references: another thread may change the list meanwhile. None is NULL, if
 * allowed. */
static int tensors_from(cnn_module_state *state, PyObject *items, Py_ssize_t count, const char *what, bool optional,
                        cnn_tensor **out)
{
    if (!PyList_Check(items) && !PyTuple_Check(items)) {
        PyErr_Format(PyExc_TypeError, "optimizer_step: %s must be a list, got %s", what, Py_TYPE(items)->tp_name);
        return -1;
    }
    if (PySequence_Fast_GET_SIZE(items) != count) {
        PyErr_Format(PyExc_ValueError, "optimizer_step: %zd variables but %zd %s; there must be one for each", count,
                     PySequence_Fast_GET_SIZE(items), what);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        if (optional && item == Py_None) {
            out[i] = NULL;
        } else if (cnn_is_tensor(state, item)) {
            out[i] = cnn_tensor_retain(cnn_tensor_in(item));
        } else {
            PyErr_Format(PyExc_TypeError, "optimizer_step: %s must hold Tensors%s, got %s at %zd", what,
                         optional ? " or None" : "", Py_TYPE(item)->tp_name, i);
            return -1;
        }
    }
    return 0;
}

/* Keyword arguments, all of them numbers but decays. */
static int option(cnn_module_state *state, PyObject *name, PyObject *value, Py_ssize_t count, cnn_optimizer_job *job)
{
    static const struct {
        const char *name;
        size_t offset;
    } numbers[] = {
        {"gradient_scale", offsetof(cnn_optimizer_job, gradient_scale)},
        {"clipnorm", offsetof(cnn_optimizer_job, clipnorm)},
        {"global_clipnorm", offsetof(cnn_optimizer_job, global_clipnorm)},
        {"clipvalue", offsetof(cnn_optimizer_job, clipvalue)},
        {"weight_decay", offsetof(cnn_optimizer_job, decay)},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (PyUnicode_CompareWithASCIIString(name, numbers[i].name) == 0)
            return number_from(state, value, numbers[i].name, (double *)((char *)job + numbers[i].offset));
    if (PyUnicode_CompareWithASCIIString(name, "decays") == 0) {
        if (value == Py_None) return 0;
        if (!PyBytes_Check(value) || PyBytes_GET_SIZE(value) != count) {
            PyErr_SetString(PyExc_ValueError,
                            "optimizer_step: decays must be None or bytes with a 0 or 1 for each variable");
            return -1;
        }
        job->decays = (const bool *)PyBytes_AS_STRING(value);
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "optimizer_step: unknown argument '%U'", name);
    return -1;
}

static int parse_numbers(cnn_module_state *state, PyObject *items, cnn_optimizer_job *job)
{
    const char *const *names = job->rule->numbers;
    int wanted = 0;
    while (names[wanted]) wanted++;
    if (!PyTuple_Check(items) || PyTuple_GET_SIZE(items) != wanted) {
        PyErr_Format(PyExc_ValueError, "optimizer_step: %s wants a tuple of %d numbers", job->rule->name, wanted);
        return -1;
    }
    for (int i = 0; i < wanted; i++)
        if (number_from(state, PyTuple_GET_ITEM(items, i), names[i], &job->numbers[i]) < 0) return -1;
    return 0;
}

static int parse_slots(cnn_module_state *state, PyObject *slots, Py_ssize_t count, cnn_tensor **room,
                       cnn_optimizer_job *job)
{
    int known = 0;
    while (job->rule->slots[known]) known++;
    if (!PyTuple_Check(slots) || PyTuple_GET_SIZE(slots) > known) {
        PyErr_Format(PyExc_ValueError, "optimizer_step: slots must be a tuple of at most %d lists for %s", known,
                     job->rule->name);
        return -1;
    }
    for (Py_ssize_t s = 0; s < PyTuple_GET_SIZE(slots); s++) {
        PyObject *items = PyTuple_GET_ITEM(slots, s);
        if (items == Py_None) continue;
        if (tensors_from(state, items, count, job->rule->slots[s], false, room + s * count) < 0) return -1;
        job->slots[s] = room + s * count;
    }
    return 0;
}

/* The iterations so far: None is 0, an int is itself, a Variable of int64 is read (and counted up after the step). */
static int parse_iterations(cnn_module_state *state, PyObject *object, cnn_tensor **counter, int64_t *out)
{
    *counter = NULL;
    *out = 0;
    if (object == Py_None) return 0;
    if (!cnn_is_tensor(state, object)) {
        *out = PyLong_AsLongLong(object);
        return *out == -1 && PyErr_Occurred() ? -1 : 0;
    }
    *counter = cnn_tensor_in(object);
    if ((*counter)->shape.dtype != CNN_INT64 || (*counter)->size != 1) {
        PyErr_SetString(PyExc_TypeError, "optimizer_step: iterations must be an int or a Variable of one int64");
        return -1;
    }
    *out = *(const int64_t *)(*counter)->data;
    return 0;
}

/* Before anything else changes, so that a failure changes nothing. */
static cnn_status own_counter(cnn_tensor *counter)
{
    cnn_tensor *own;
    if (!counter || cnn_tensor_owns_storage(counter)) return CNN_OK;
    CNN_TRY(cnn_tensor_copy(counter, &own));
    cnn_tensor_set_storage(counter, own);
    cnn_tensor_release(own);
    return CNN_OK;
}

static const char *name_of(const cnn_module_state *state, PyObject *object)
{
    if (!PyObject_TypeCheck(object, state->variable_type)) return NULL;
    const char *name = PyUnicode_AsUTF8(((VariableObject *)object)->name);
    if (!name) PyErr_Clear();
    return name;
}

static PyObject *optimizer_step(PyObject *module, PyObject *const *args, Py_ssize_t positional, PyObject *kwnames)
{
    cnn_module_state *state = PyModule_GetState(module);
    cnn_optimizer_job job = {.gradient_scale = 1};
    cnn_tensor *counter, **room = NULL;
    int64_t iterations;
    long updated = 0;
    if (positional != 6 || !PyUnicode_Check(args[0]) || !(PyList_Check(args[1]) || PyTuple_Check(args[1])))
        return PyErr_Format(PyExc_TypeError,
                            "optimizer_step: takes (rule, variables, gradients, slots, numbers, iterations)");
    const char *rule = PyUnicode_AsUTF8(args[0]);
    if (!rule) return NULL;
    job.rule = cnn_rule_find(rule);
    if (!job.rule) return PyErr_Format(PyExc_ValueError, "optimizer_step: there is no rule '%s'", rule);
    Py_ssize_t count = PySequence_Fast_GET_SIZE(args[1]);
    room = cnn_alloc_zero(((size_t)count * (2 + CNN_MAX_SLOTS)) * sizeof *room + (size_t)count * sizeof(char *));
    if (!room) return cnn_raise(CNN_ERR_MEMORY, "optimizer_step");
    const char **names = (const char **)(room + count * (2 + CNN_MAX_SLOTS));
    PyObject *result = NULL;

    job.count = (int)count;
    job.variables = room;
    job.gradients = room + count;
    job.names = names;
    if (tensors_from(state, args[1], count, "variables", false, room) < 0 ||
        tensors_from(state, args[2], count, "gradients", true, room + count) < 0 ||
        parse_slots(state, args[3], count, room + 2 * count, &job) < 0 || parse_numbers(state, args[4], &job) < 0 ||
        parse_iterations(state, args[5], &counter, &iterations) < 0)
        goto done;
    for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); i++)
        if (option(state, PyTuple_GET_ITEM(kwnames, i), args[positional + i], count, &job) < 0) goto done;
    for (Py_ssize_t i = 0; i < count; i++) names[i] = name_of(state, PySequence_Fast_GET_ITEM(args[1], i));
    for (Py_ssize_t i = 0; i < count; i++) updated += job.gradients[i] != NULL;
    job.step = iterations + 1;
    job.decay *= job.numbers[0]; /* a share of the learning rate, which every rule that decays has first */

    cnn_status status;
    Py_BEGIN_ALLOW_THREADS status = own_counter(counter);
    if (status == CNN_OK) status = cnn_optimizer_step(&job);
    if (status == CNN_OK && counter && updated) *(int64_t *)counter->data = iterations + 1;
    Py_END_ALLOW_THREADS result = status == CNN_OK ? PyLong_FromLong(updated) : cnn_raise(status, "optimizer");
done:
    for (Py_ssize_t i = 0; i < count * (2 + CNN_MAX_SLOTS); i++) cnn_tensor_release(room[i]);
    cnn_free(room);
    return result;
}

static PyMethodDef functions[] = {
    {"optimizer_step", (PyCFunction)(void (*)(void))optimizer_step, METH_FASTCALL | METH_KEYWORDS,
     "optimizer_step(rule, variables, gradients, slots, numbers, iterations, /, *, gradient_scale=1, clipnorm=0,\n"
     "               global_clipnorm=0, clipvalue=0, weight_decay=0, decays=None)\n--\n\n"
     "Updates variables and slots in place by a rule of csrc/optimizers. gradients may hold None, which skips the "
     "variable;\n"
     "slots is a tuple of lists, one tensor a variable (None: the slot is not in use); numbers are the rule's, as "
     "floats or\n"
     "scalar tensors; iterations is an int, None, or an int64 Variable, which is counted up. Variables first lose\n"
     "weight_decay times the learning rate of themselves (those whose byte in decays is 1). Returns how many variables "
     "had\n"
     "a gradient; without any, or if an argument is wrong, nothing changes."},
    {NULL, NULL, 0, NULL},
};

int cnn_add_optimizer_functions(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
