/* t[key], len(t) and iteration.
 *
 * A key is brought into three steps, each one op of the core, so that gradients flow through all of them: `slice` for
 * numbers and slices, `reshape` for dropped and new dimensions, `take` for an index array or a mask. Several index
 * arrays side by side become one over the dimensions they name, melted. NumPy's rule that separated index arrays move
 * to the front is refused rather than copied: it surprises, and transpose says the same more clearly. */
#include "python/binding.h"

#include <string.h>

extern const cnn_op cnn_op_slice, cnn_op_reshape, cnn_op_take;

#define MAX_KEYS (CNN_MAX_NDIM * 3)

typedef struct {
    /* the slice */
    int64_t begin[CNN_MAX_NDIM], end[CNN_MAX_NDIM], step[CNN_MAX_NDIM];
    bool whole;
    /* the shape after it, with dropped and new dimensions */
    cnn_shape shape;
    bool reshapes;
    /* the index arrays */
    PyObject *arrays[CNN_MAX_NDIM]; /* borrowed */
    int array_count;
    int array_dims;    /* how many dimensions of `shape` they take, */
    int array_axis;    /* from this one on */
    int last_advanced; /* position of the last number or array in the key */
    bool after_array, gap;
} plan;

static PyObject *refuse(PyObject *key)
{
    return PyErr_Format(PyExc_TypeError,
                        "tensor indices are integers, slices, ..., None, and integer or bool arrays or lists; got %R",
                        key);
}

/* How many dimensions KEY takes; -1 with an exception. */
static int dims_taken(PyObject *key)
{
    if (key == Py_None || key == Py_Ellipsis) return 0;
    if (PySlice_Check(key)) return 1;
    if (PyBool_Check(key)) {
        PyErr_SetString(PyExc_TypeError,
                        "True and False are no indices of a tensor; use a bool array of its shape as a mask");
        return -1;
    }
    if (cnn_index_array_takes(key) > 0) return cnn_index_array_takes(key);
    if (PyIndex_Check(key)) return 1;
    refuse(key);
    return -1;
}

static int add_number(plan *p, PyObject *key, int axis, int64_t size)
{
    Py_ssize_t i = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (i == -1 && PyErr_Occurred()) return -1;
    if (i < -size || i >= size) {
        PyErr_Format(PyExc_IndexError, "index %zd is out of range for dimension %d of size %lld", i, axis,
                     (long long)size);
        return -1;
    }
    if (i < 0) i += size;
    p->begin[axis] = i;
    p->end[axis] = i + 1;
    p->step[axis] = 1;
    p->whole = p->whole && size == 1;
    p->reshapes = true;
    return 0;
}

static int add_slice(plan *p, PyObject *key, int axis, int64_t size)
{
    Py_ssize_t begin, end, step;
    if (PySlice_Unpack(key, &begin, &end, &step) < 0) return -1;
    Py_ssize_t count = PySlice_AdjustIndices((Py_ssize_t)size, &begin, &end, step);
    p->begin[axis] = begin;
    p->end[axis] = end < 0 ? -size - 1 : end; /* backwards past the first element */
    p->step[axis] = step;
    if (count == 0) p->begin[axis] = p->end[axis] = 0, p->step[axis] = 1;
    p->whole = p->whole && count == size && step == 1;
    p->shape.dim[p->shape.ndim++] = count;
    return 0;
}

static void keep_axis(plan *p, int axis, int64_t size)
{
    p->begin[axis] = 0;
    p->end[axis] = size;
    p->step[axis] = 1;
    p->shape.dim[p->shape.ndim++] = size;
}

/* Numbers count as index arrays when arrays are there; all of them must stand side by side. */
static void note_advanced(plan *p, int position, bool array)
{
    if (p->last_advanced >= 0 && p->last_advanced != position - 1) p->gap = true;
    p->last_advanced = position;
    p->after_array = p->after_array || array;
}

static int build(plan *p, const cnn_shape *x, PyObject *const *keys, Py_ssize_t count)
{
    int taken = 0, axis = 0;
    bool ellipsis = false;
    char text[CNN_SHAPE_TEXT];
    for (Py_ssize_t i = 0; i < count; i++) {
        int dims = dims_taken(keys[i]);
        if (dims < 0) return -1;
        taken += dims;
        if (keys[i] == Py_Ellipsis && ellipsis) {
            PyErr_SetString(PyExc_IndexError, "an index may hold ... only once");
            return -1;
        }
        ellipsis = ellipsis || keys[i] == Py_Ellipsis;
    }
    if (taken > x->ndim) {
        PyErr_Format(PyExc_IndexError, "too many indices: %d for shape %s", taken, cnn_shape_text(x, text));
        return -1;
    }
    p->whole = true;
    p->last_advanced = -1;
    p->shape.dtype = x->dtype;
    for (Py_ssize_t i = 0; i <= count; i++) {
        PyObject *key = i < count ? keys[i] : Py_Ellipsis;
        if (p->shape.ndim + 1 > CNN_MAX_NDIM && key != Py_Ellipsis) {
            PyErr_Format(PyExc_ValueError, "the result would have more than %d dimensions", CNN_MAX_NDIM);
            return -1;
        }
        if (key == Py_None) {
            p->shape.dim[p->shape.ndim++] = 1;
            p->reshapes = true;
        } else if (key == Py_Ellipsis) { /* at the end one is understood */
            if (i == count && ellipsis) break;
            for (int rest = x->ndim - taken; rest > 0; rest--, axis++) {
                if (p->shape.ndim == CNN_MAX_NDIM) {
                    PyErr_Format(PyExc_ValueError, "the result would have more than %d dimensions", CNN_MAX_NDIM);
                    return -1;
                }
                keep_axis(p, axis, x->dim[axis]);
            }
        } else if (PySlice_Check(key)) {
            if (add_slice(p, key, axis, x->dim[axis]) < 0) return -1;
            axis++;
        } else if (cnn_index_array_takes(key) > 0) {
            int dims = cnn_index_array_takes(key);
            if (p->array_count == 0) p->array_axis = p->shape.ndim;
            note_advanced(p, (int)i, true);
            p->arrays[p->array_count++] = key;
            p->array_dims += dims;
            for (; dims > 0; dims--, axis++) keep_axis(p, axis, x->dim[axis]);
        } else {
            if (add_number(p, key, axis, x->dim[axis]) < 0) return -1;
            note_advanced(p, (int)i, false);
            axis++;
        }
    }
    if (p->after_array && p->gap) {
        PyErr_SetString(
            PyExc_NotImplementedError,
            "index arrays and integers that are separated by slices, ... or None are not offered; index in two steps, "
            "or bring the dimensions side by side with transpose()");
        return -1;
    }
    return 0;
}

/* Applies OP to *T and puts its result in *T's place. */
static int step(cnn_module_state *state, const cnn_op *op, const void *attrs, cnn_tensor *second, cnn_tensor **t)
{
    cnn_tensor *in[2] = {*t, second};
    PyObject *result = cnn_run_op(state, op, attrs, in, second ? 2 : 1, "indexing", (*t)->size < 4096);
    if (!result) return -1;
    cnn_tensor_release(*t);
    *t = cnn_tensor_retain(cnn_tensor_in(result));
    Py_DECREF(result);
    return 0;
}

static void set_ints(const cnn_op *op, void *attrs, const char *name, int count, const int64_t *values)
{
    cnn_ints *ints = cnn_attr_of(op, attrs, name);
    ints->count = count;
    if (count) memcpy(ints->at, values, (size_t)count * sizeof *values);
}

static int reshape(cnn_module_state *state, const cnn_shape *shape, cnn_tensor **t)
{
    _Alignas(16) char attrs[sizeof(cnn_ints) * 2];
    memset(attrs, 0, sizeof attrs);
    set_ints(&cnn_op_reshape, attrs, "shape", shape->ndim, shape->dim);
    return step(state, &cnn_op_reshape, attrs, NULL, t);
}

static int slice(cnn_module_state *state, const plan *p, cnn_tensor **t)
{
    _Alignas(16) char attrs[sizeof(cnn_ints) * 4];
    int ndim = (*t)->shape.ndim;
    memset(attrs, 0, sizeof attrs);
    set_ints(&cnn_op_slice, attrs, "begin", ndim, p->begin);
    set_ints(&cnn_op_slice, attrs, "end", ndim, p->end);
    set_ints(&cnn_op_slice, attrs, "stride", ndim, p->step);
    return step(state, &cnn_op_slice, attrs, NULL, t);
}

/* Melts the dimensions the arrays name into one and gathers along it. */
static int take(cnn_module_state *state, const plan *p, cnn_tensor **t)
{
    _Alignas(16) char attrs[64];
    const cnn_shape *x = &(*t)->shape;
    cnn_tensor *indices;
    int dims = p->array_dims;
    if (cnn_index_tensor(state, p->arrays, p->array_count, x->dim + p->array_axis, &indices) < 0) return -1;
    cnn_shape melted = {x->dtype, 0, {0}};
    for (int d = 0; d < p->array_axis; d++) melted.dim[melted.ndim++] = x->dim[d];
    int64_t size = 1;
    for (int d = 0; d < dims; d++) size *= x->dim[p->array_axis + d];
    melted.dim[melted.ndim++] = size;
    for (int d = p->array_axis + dims; d < x->ndim; d++) melted.dim[melted.ndim++] = x->dim[d];
    int failed = dims != 1 ? reshape(state, &melted, t) : 0;
    if (!failed) {
        memset(attrs, 0, sizeof attrs);
        *(int64_t *)cnn_attr_of(&cnn_op_take, attrs, "axis") = p->array_axis;
        failed = step(state, &cnn_op_take, attrs, indices, t);
    }
    cnn_tensor_release(indices);
    return failed;
}

static PyObject *subscript_by(PyObject *object, PyObject *const *keys, Py_ssize_t count)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    cnn_tensor *x = cnn_tensor_in(object);
    plan p = {0};
    if (build(&p, &x->shape, keys, count) < 0) return NULL;
    if (p.whole && !p.reshapes && p.array_count == 0) return cnn_tensor_snapshot(object);
    cnn_tensor *t = cnn_tensor_retain(x);
    int failed = p.whole ? 0 : slice(state, &p, &t);
    if (!failed && p.reshapes) failed = reshape(state, &p.shape, &t);
    if (!failed && p.array_count) failed = take(state, &p, &t);
    if (!failed) return cnn_wrap_tensor(state, t);
    cnn_tensor_release(t);
    return NULL;
}

static PyObject *subscript(PyObject *object, PyObject *key)
{
    cnn_module_state *state = cnn_state_of_type(Py_TYPE(object));
    PyObject *keys[MAX_KEYS], *result = NULL;
    bool tuple = PyTuple_Check(key);
    Py_ssize_t count = tuple ? PyTuple_GET_SIZE(key) : 1, made = 0;
    if (count > MAX_KEYS) return PyErr_Format(PyExc_IndexError, "too many indices: %zd", count);
    for (; made < count; made++) { /* lists and tensors to arrays */
        keys[made] = cnn_index_array(state, tuple ? PyTuple_GET_ITEM(key, made) : key);
        if (!keys[made]) break;
    }
    if (made == count) result = subscript_by(object, keys, count);
    while (made-- > 0) Py_DECREF(keys[made]);
    return result;
}

static int refuse_assignment(PyObject *object, PyObject *key, PyObject *value)
{
    (void)object;
    (void)key;
    (void)value;
    PyErr_SetString(PyExc_TypeError, "tensors cannot be changed; make a new one, change a NumPy array that .numpy() "
                                     "gives, or use a Variable and its assign()");
    return -1;
}

static Py_ssize_t length(PyObject *object)
{
    const cnn_shape *shape = &cnn_tensor_in(object)->shape;
    if (shape->ndim > 0) return (Py_ssize_t)shape->dim[0];
    PyErr_SetString(PyExc_TypeError, "a tensor without dimensions has no len()");
    return -1;
}

static PyObject *item(PyObject *object, Py_ssize_t i)
{
    const cnn_shape *shape = &cnn_tensor_in(object)->shape;
    if (shape->ndim > 0 && (i < 0 || i >= shape->dim[0])) { /* ends an iteration: no text to format */
        PyErr_SetNone(PyExc_IndexError);
        return NULL;
    }
    PyObject *key = PyLong_FromSsize_t(i);
    PyObject *result = key ? subscript(object, key) : NULL;
    Py_XDECREF(key);
    return result;
}

static PyObject *iterate(PyObject *object)
{
    if (cnn_tensor_in(object)->shape.ndim > 0) return PySeqIter_New(object);
    PyErr_SetString(PyExc_TypeError, "a tensor without dimensions cannot be iterated over");
    return NULL;
}

static int contains(PyObject *object, PyObject *value)
{
    PyObject *equal = PyObject_RichCompare(object, value, Py_EQ);
    PyObject *any = equal && cnn_is_tensor(cnn_state_of_type(Py_TYPE(object)), equal)
                        ? PyObject_CallMethod(equal, "any", NULL)
                        : NULL;
    int result = any ? PyObject_IsTrue(any) : PyErr_Occurred() ? -1 : 0;
    Py_XDECREF(any);
    Py_XDECREF(equal);
    return result;
}

PyType_Slot cnn_tensor_index_slots[] = {
    {Py_mp_subscript, subscript}, {Py_mp_ass_subscript, refuse_assignment},
    {Py_mp_length, length},       {Py_sq_length, length},
    {Py_sq_item, item},           {Py_sq_contains, contains},
    {Py_tp_iter, iterate},        {0, NULL},
};
