/* custom_gradient: tensors that were computed in Python enter the tape, with a Python function as their backward.
 *
 * The tape knows such a call as any other. What backward needs, the function, travels in an auxiliary tensor whose
 * memory "is" the function: it goes when the tape forgets the call. An exception of the function is kept as it is
 * (cnn_raise knows). */
#include "python/binding.h"

#include <string.h>

typedef struct {
    cnn_module_state *state;
    PyObject *module; /* keeps the state alive */
    PyObject *backward;
} custom;

static void release_custom(void *owner)
{
    PyGILState_STATE gil = PyGILState_Ensure(); /* the tape may go in any thread */
    custom *self = owner;
    Py_DECREF(self->backward);
    Py_DECREF(self->module);
    PyMem_Free(self);
    PyGILState_Release(gil);
}

/* SELF's function of the gradients of the outputs, zeros where nothing flows back; NULL with an exception. */
static PyObject *call_backward(cnn_call *c, const custom *self)
{
    PyObject *args = PyTuple_New(c->op->outputs);
    for (int k = 0; args && k < c->op->outputs; k++) {
        cnn_tensor *g = cnn_tensor_retain(c->grad_out[k]);
        if (!g) {
            cnn_status status = cnn_tensor_zeros(&c->out[k]->shape, &g);
            if (status != CNN_OK) cnn_raise(status, "custom_gradient");
        }
        PyObject *item = g ? cnn_wrap_tensor(self->state, g) : NULL;
        if (item) PyTuple_SET_ITEM(args, k, item);
        else Py_CLEAR(args);
    }
    PyObject *result = args ? PyObject_CallObject(self->backward, args) : NULL;
    Py_XDECREF(args);
    return result;
}

static cnn_status take_gradient(cnn_call *c, const custom *self, int i, PyObject *item)
{
    char got[CNN_SHAPE_TEXT], wanted[CNN_SHAPE_TEXT];
    const cnn_shape *shape = &c->in[i]->shape;
    cnn_tensor *g;
    if (item == Py_None) return CNN_OK;
    CNN_TRY(cnn_tensor_from_object(self->state, item, (int)shape->dtype, -1, CNN_COPY_IF_NEEDED, &g));
    if (!cnn_shape_equal(&g->shape, shape)) {
        cnn_status status = cnn_fail(
            CNN_ERR_VALUE, "the gradient function gave shape %s for input %d, whose shape is %s; they must agree",
            cnn_shape_text(&g->shape, got), i, cnn_shape_text(shape, wanted));
        cnn_tensor_release(g);
        return status;
    }
    c->grad_in[i] = g;
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    const custom *self = c->aux[0]->storage->owner;
    cnn_status status = CNN_ERR_RUNTIME;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *result = call_backward(c, self);
    PyObject *items =
        result ? PySequence_Fast(result, "custom_gradient: the gradient function must return a list") : NULL;
    if (items && PySequence_Fast_GET_SIZE(items) == c->inputs) {
        status = CNN_OK;
        for (int i = 0; status == CNN_OK && i < c->inputs; i++)
            if (c->needs_grad[i]) status = take_gradient(c, self, i, PySequence_Fast_GET_ITEM(items, i));
    } else if (items) {
        status = cnn_fail(CNN_ERR_VALUE, "the gradient function must return %d gradients, one for each input, got %zd",
                          c->inputs, PySequence_Fast_GET_SIZE(items));
    }
    Py_XDECREF(items);
    Py_XDECREF(result);
    PyGILState_Release(gil);
    return status;
}

static const char *const input_names[] = {"inputs"};

#define OP(COUNT)                                                                                                      \
    {.name = "custom_gradient",                                                                                        \
     .input_names = input_names,                                                                                       \
     .min_inputs = 1,                                                                                                  \
     .variadic = true,                                                                                                 \
     .outputs = COUNT,                                                                                                 \
     .backward = backward}
static const cnn_op ops[CNN_MAX_OUTPUTS] = {OP(1), OP(2), OP(3), OP(4)};
_Static_assert(CNN_MAX_OUTPUTS == 4, "there is one descriptor for each number of outputs");

/* The auxiliary tensor that carries BACKWARD. */
static cnn_status carrier(cnn_module_state *state, PyObject *backward_function, cnn_tensor **out)
{
    custom *self = PyMem_Malloc(sizeof *self);
    const cnn_shape shape = {.dtype = CNN_BOOL, .ndim = 0};
    if (!self) return CNN_ERR_MEMORY;
    *self = (custom){state, Py_NewRef(state->module), Py_NewRef(backward_function)};
    cnn_status status = cnn_tensor_wrap(&shape, self, release_custom, self, out);
    if (status != CNN_OK) release_custom(self);
    return status;
}

/* The call as cnn_op_apply would have made it; C's outputs are new references. */
static cnn_status record(cnn_module_state *state, cnn_call *c, PyObject *outputs, PyObject *backward_function)
{
    for (int k = 0; k < c->op->outputs; k++) {
        cnn_tensor *t = cnn_tensor_in(PyTuple_GET_ITEM(outputs, k));
        CNN_TRY(cnn_tensor_view(t, &t->shape, &c->out[k])); /* the tape marks it, not the caller's */
    }
    if (!cnn_tape_follows(c->in, c->inputs)) return CNN_OK;
    CNN_TRY(carrier(state, backward_function, &c->aux[0]));
    c->aux_count = 1;
    return cnn_tape_record(c);
}

/* LIST, a sequence, as a tuple of Tensors; NULL with an exception. */
static PyObject *tensors_of(cnn_module_state *state, PyObject *list, const char *what)
{
    PyObject *tuple = PySequence_Tuple(list);
    for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        if (cnn_is_tensor(state, item)) continue;
        PyErr_Format(PyExc_TypeError, "custom_gradient: %s must be Tensors, got %R of type %s", what, item,
                     Py_TYPE(item)->tp_name);
        Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *wrap_outputs(cnn_module_state *state, cnn_call *c)
{
    PyObject *result = PyTuple_New(c->op->outputs);
    for (int k = 0; k < c->op->outputs; k++) {
        PyObject *item = result ? cnn_wrap_tensor(state, cnn_tensor_retain(c->out[k])) : NULL;
        if (item) PyTuple_SET_ITEM(result, k, item);
        else Py_CLEAR(result);
    }
    return result;
}

static PyObject *apply(cnn_module_state *state, PyObject *inputs, PyObject *outputs, PyObject *backward_function)
{
    Py_ssize_t in = PyTuple_GET_SIZE(inputs), out = PyTuple_GET_SIZE(outputs);
    if (in < 1 || in > INT16_MAX || out < 1 || out > CNN_MAX_OUTPUTS)
        return PyErr_Format(PyExc_ValueError,
                            "custom_gradient: takes 1 input or more and 1 to %d outputs, got %zd and %zd",
                            CNN_MAX_OUTPUTS, in, out);
    PyObject *result = NULL;
    cnn_call c;
    memset(&c, 0, sizeof c);
    c.op = &ops[out - 1];
    c.inputs = (int)in;
    c.in = PyMem_Calloc((size_t)in, sizeof *c.in);
    if (!c.in) return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < in; i++) c.in[i] = cnn_tensor_in(PyTuple_GET_ITEM(inputs, i));
    cnn_status status = record(state, &c, outputs, backward_function);
    result = status == CNN_OK ? wrap_outputs(state, &c) : cnn_raise(status, "custom_gradient");
    for (int k = 0; k < c.op->outputs; k++) cnn_tensor_release(c.out[k]);
    cnn_tensor_release(c.aux[0]);
    PyMem_Free(c.in);
    return result;
}

static PyObject *custom_gradient(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    cnn_module_state *state = PyModule_GetState(module);
    if (count != 3 || !PyCallable_Check(args[2])) {
        PyErr_SetString(PyExc_TypeError, "custom_gradient: takes (inputs, outputs, backward), the last a function");
        return NULL;
    }
    PyObject *inputs = tensors_of(state, args[0], "inputs");
    PyObject *outputs = inputs ? tensors_of(state, args[1], "outputs") : NULL;
    PyObject *result = outputs ? apply(state, inputs, outputs, args[2]) : NULL;
    Py_XDECREF(inputs);
    Py_XDECREF(outputs);
    return result;
}

static PyMethodDef functions[] = {
    {"custom_gradient", (PyCFunction)(void (*)(void))custom_gradient, METH_FASTCALL,
     "custom_gradient(inputs, outputs, backward, /)\n--\n\n"
     "The tensors OUTPUTS (1 to 4), which depend on the tensors INPUTS as far as the tape is concerned:\n"
     "backward(*gradients of the outputs) returns a list with the gradient of each input, None for none. It is called\n"
     "at most once for each time gradients are computed; what it raises is raised there."},
    {NULL, NULL, 0, NULL},
};

int cnn_add_custom_gradient(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
