/* Operators of cnnpy.Tensor: each is one op of the core, so gradients flow through it.
 *
 * The other operand may be a number, a NumPy array or a list; for anything else Python asks the other object. NumPy
 * gives way to us because of __array_priority__, so that `ndarray + tensor` is a Tensor too. In-place operators do not
 * exist: tensors are values, and `t += 1` names a new one. */
#include "python/binding.h"

/* Beneath this many elements giving up the GIL costs more than the work. */
#define SMALL 4096

#define CNN_OP(name) extern const cnn_op cnn_op_##name;
#include "autograd/ops.def"
#undef CNN_OP

/* The module's state if OBJECT is a tensor, else NULL without an exception. */
static cnn_module_state *state_of_operand(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) return NULL;
    cnn_module_state *state = cnn_state_of_type(type);
    if (!state) PyErr_Clear();
    return state && cnn_is_tensor(state, object) ? state : NULL;
}

static PyObject *binary(const cnn_op *op, PyObject *a, PyObject *b)
{
    cnn_module_state *state = state_of_operand(a);
    bool ours = state != NULL;
    if (!ours && !(state = state_of_operand(b))) Py_RETURN_NOTIMPLEMENTED;
    PyObject *other = ours ? b : a;
    cnn_tensor *known = cnn_tensor_in(ours ? a : b), *t;
    if (cnn_is_tensor(state, other)) {
        t = cnn_tensor_retain(cnn_tensor_in(other));
    } else {
        if (!cnn_is_operand(other)) Py_RETURN_NOTIMPLEMENTED;
        cnn_status status = cnn_tensor_from_object(state, other, -1, (int)known->shape.dtype, CNN_COPY_IF_NEEDED, &t);
        if (status != CNN_OK) return cnn_raise(status, op->name);
    }
    cnn_tensor *in[2] = {ours ? known : t, ours ? t : known};
    PyObject *result = cnn_run_op(state, op, op->attr_defaults, in, 2, NULL, known->size <= SMALL && t->size <= SMALL);
    cnn_tensor_release(t);
    return result;
}

static PyObject *unary(const cnn_op *op, PyObject *object)
{
    cnn_tensor *in[1] = {cnn_tensor_in(object)};
    return cnn_run_op(cnn_state_of_type(Py_TYPE(object)), op, op->attr_defaults, in, 1, NULL, in[0]->size <= SMALL);
}

#define BINARY(function, op)                                                                                           \
    static PyObject *function(PyObject *a, PyObject *b)                                                                \
    {                                                                                                                  \
        return binary(&cnn_op_##op, a, b);                                                                             \
    }

BINARY(number_add, add)
BINARY(number_subtract, subtract)
BINARY(number_multiply, multiply)
BINARY(number_divide, divide)
BINARY(number_floor_divide, floor_divide)
BINARY(number_remainder, mod)
BINARY(number_matmul, matmul)

static PyObject *number_divmod(PyObject *a, PyObject *b)
{
    PyObject *quotient = number_floor_divide(a, b);
    if (!quotient || quotient == Py_NotImplemented) return quotient;
    PyObject *remainder = number_remainder(a, b);
    PyObject *pair = remainder ? PyTuple_Pack(2, quotient, remainder) : NULL;
    Py_DECREF(quotient);
    Py_XDECREF(remainder);
    return pair;
}

static PyObject *number_power(PyObject *a, PyObject *b, PyObject *modulus)
{
    if (modulus != Py_None) {
        PyErr_SetString(PyExc_TypeError, "power: a modulus is not possible with tensors");
        return NULL;
    }
    /* x ** 2 is common, and a product is faster than a power. */
    if (PyLong_CheckExact(b) && PyLong_AsLong(b) == 2) {
        cnn_module_state *state = state_of_operand(a);
        if (state && cnn_tensor_in(a)->shape.dtype != CNN_BOOL) return unary(&cnn_op_square, a);
    }
    if (PyErr_Occurred()) PyErr_Clear(); /* an exponent beyond a long: converted, or refused, below */
    return binary(&cnn_op_power, a, b);
}

static PyObject *number_negative(PyObject *object)
{
    return unary(&cnn_op_negative, object);
}

static PyObject *number_positive(PyObject *object)
{
    return cnn_tensor_snapshot(object);
}

static PyObject *number_absolute(PyObject *object)
{
    return unary(&cnn_op_abs, object);
}

/* ---- &, |, ^ and ~ are logic on bool tensors, and nothing on others ---- */

static PyObject *logical(const cnn_op *op, const char *sign, PyObject *a, PyObject *b)
{
    PyObject *pair[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        cnn_module_state *state = state_of_operand(pair[i]);
        if (state && cnn_tensor_in(pair[i])->shape.dtype != CNN_BOOL)
            return PyErr_Format(PyExc_TypeError,
                                "%s is defined for bool tensors only, got %s; compare first, as in (x > 0) %s (x < 1)",
                                sign, cnn_dtype_name(cnn_tensor_in(pair[i])->shape.dtype), sign);
    }
    return binary(op, a, b);
}

static PyObject *number_and(PyObject *a, PyObject *b)
{
    return logical(&cnn_op_logical_and, "&", a, b);
}

static PyObject *number_or(PyObject *a, PyObject *b)
{
    return logical(&cnn_op_logical_or, "|", a, b);
}

static PyObject *number_xor(PyObject *a, PyObject *b)
{
    return logical(&cnn_op_logical_xor, "^", a, b);
}

static PyObject *number_invert(PyObject *object)
{
    cnn_dtype dtype = cnn_tensor_in(object)->shape.dtype;
    if (dtype == CNN_BOOL) return unary(&cnn_op_logical_not, object);
    return PyErr_Format(PyExc_TypeError, "~ is defined for bool tensors only, got %s", cnn_dtype_name(dtype));
}

/* ---- comparison ---- */

static PyObject *rich_compare(PyObject *a, PyObject *b, int relation)
{
    static const cnn_op *const ops[] = {[Py_LT] = &cnn_op_less,    [Py_LE] = &cnn_op_less_equal,
                                        [Py_EQ] = &cnn_op_equal,   [Py_NE] = &cnn_op_not_equal,
                                        [Py_GT] = &cnn_op_greater, [Py_GE] = &cnn_op_greater_equal};
    return binary(ops[relation], a, b);
}

/* Beside the elementwise ==, a tensor is a key of its own in sets and dictionaries. */
static Py_hash_t hash(PyObject *object)
{
    uintptr_t address = (uintptr_t)object;
    Py_hash_t value = (Py_hash_t)(address >> 4 | address << (8 * sizeof address - 4));
    return value == -1 ? -2 : value;
}

/* ---- one element as a number ---- */

static cnn_tensor *only_element(PyObject *object, const char *what)
{
    cnn_tensor *t = cnn_tensor_in(object);
    char text[CNN_SHAPE_TEXT];
    if (t->size == 1) return t;
    PyErr_Format(PyExc_TypeError, "only a tensor of one element has %s, got shape %s", what,
                 cnn_shape_text(&t->shape, text));
    return NULL;
}

PyObject *cnn_element(const cnn_tensor *t, int64_t i)
{
    switch (t->shape.dtype) {
    case CNN_BOOL: return PyBool_FromLong(((const bool *)t->data)[i]);
    case CNN_UINT8: return PyLong_FromLong(((const uint8_t *)t->data)[i]);
    case CNN_INT32: return PyLong_FromLong(((const int32_t *)t->data)[i]);
    case CNN_INT64: return PyLong_FromLongLong(((const int64_t *)t->data)[i]);
    case CNN_FLOAT32: return PyFloat_FromDouble(((const float *)t->data)[i]);
    default: return PyFloat_FromDouble(((const double *)t->data)[i]);
    }
}

static PyObject *through(PyObject *object, const char *what, PyObject *(*convert)(PyObject *))
{
    cnn_tensor *t = only_element(object, what);
    PyObject *number = t ? cnn_element(t, 0) : NULL;
    PyObject *result = number ? convert(number) : NULL;
    Py_XDECREF(number);
    return result;
}

static PyObject *number_float(PyObject *object)
{
    return through(object, "a float()", PyNumber_Float);
}

static PyObject *number_int(PyObject *object)
{
    return through(object, "an int()", PyNumber_Long);
}

static PyObject *number_index(PyObject *object)
{
    cnn_dtype dtype = cnn_tensor_in(object)->shape.dtype;
    if (cnn_dtype_is_float(dtype) || dtype == CNN_BOOL)
        return PyErr_Format(PyExc_TypeError, "only integer tensors can be used as an index, got %s",
                            cnn_dtype_name(dtype));
    return through(object, "an index", PyNumber_Index);
}

static int number_bool(PyObject *object)
{
    cnn_tensor *t = cnn_tensor_in(object);
    char text[CNN_SHAPE_TEXT];
    if (t->size != 1) {
        PyErr_Format(PyExc_ValueError, "a tensor of shape %s is neither true nor false; use .any() or .all()",
                     cnn_shape_text(&t->shape, text));
        return -1;
    }
    PyObject *number = cnn_element(t, 0);
    int truth = number ? PyObject_IsTrue(number) : -1;
    Py_XDECREF(number);
    return truth;
}

PyType_Slot cnn_tensor_number_slots[] = {
    {Py_nb_add, number_add},
    {Py_nb_subtract, number_subtract},
    {Py_nb_multiply, number_multiply},
    {Py_nb_true_divide, number_divide},
    {Py_nb_floor_divide, number_floor_divide},
    {Py_nb_remainder, number_remainder},
    {Py_nb_divmod, number_divmod},
    {Py_nb_matrix_multiply, number_matmul},
    {Py_nb_power, number_power},
    {Py_nb_negative, number_negative},
    {Py_nb_positive, number_positive},
    {Py_nb_absolute, number_absolute},
    {Py_nb_and, number_and},
    {Py_nb_or, number_or},
    {Py_nb_xor, number_xor},
    {Py_nb_invert, number_invert},
    {Py_nb_float, number_float},
    {Py_nb_int, number_int},
    {Py_nb_index, number_index},
    {Py_nb_bool, number_bool},
    {Py_tp_richcompare, rich_compare},
    {Py_tp_hash, hash},
    {0, NULL},
};
