/* The extension module cnnpy._core: types over the core, argument parsing, NumPy in and out, the GIL.
 *
 * The only folder that includes Python.h or NumPy's headers. All types are heap types, all objects live in the module's
 * state. A core call that may take long runs without the GIL. */
#ifndef CNN_PYTHON_BINDING_H
#define CNN_PYTHON_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "autograd/op.h"
#include "autograd/tape.h"

typedef struct {
    PyTypeObject *tensor_type;
    PyTypeObject *variable_type;
    PyTypeObject *op_type;
    PyTypeObject *tape_type;
    PyTypeObject *pause_type; /* what GradientTape.stop_recording() gives */
    PyObject *empty_tuple;
    PyObject *module; /* borrowed: the state lives no longer than the module */
} cnn_module_state;

typedef struct {
    PyObject_HEAD cnn_tensor *t;
    PyObject *mask; /* `_keras_mask`, a Tensor; NULL: none */
} TensorObject;

/* A variable is a Tensor whose storage can be replaced. */
typedef struct {
    TensorObject base;
    PyObject *name;
    PyObject *path; /* NULL: the name */
    PyObject *dict;
    PyObject *weak_references;
} VariableObject;

extern struct PyModuleDef cnn_module_def;

/* The state, from an instance or a type of ours (or a subclass). */
cnn_module_state *cnn_state_of_type(PyTypeObject *type);

/* Raises the exception that belongs to STATUS with the core's message, PREFIX before it (may be NULL); returns NULL. */
PyObject *cnn_raise(cnn_status status, const char *prefix);

bool cnn_is_tensor(const cnn_module_state *state, PyObject *object);
/* The tensor inside, borrowed; OBJECT must be one. */
static inline cnn_tensor *cnn_tensor_in(PyObject *object)
{
    return ((TensorObject *)object)->t;
}
/* A new Python Tensor that takes over the reference T; NULL (and T released) on failure. */
PyObject *cnn_wrap_tensor(cnn_module_state *state, cnn_tensor *t);

/* op_type.c: calls OP and wraps its results: a Tensor, or a tuple where the op has several outputs. LABEL goes before
 * an error message (NULL: the op's name). QUICK work keeps the GIL. */
PyObject *cnn_run_op(cnn_module_state *state, const cnn_op *op, const void *attrs, cnn_tensor **in, int inputs,
                     const char *label, bool quick);

/* ---- convert.c ---- */

enum { CNN_COPY_NEVER = -1, CNN_COPY_IF_NEEDED = 0, CNN_COPY_ALWAYS = 1 };

/* A new reference to a core tensor with OBJECT's values. OBJECT is a Tensor, a NumPy array, a number, a nested list, or
 * has a buffer, __array__, __array_interface__ or __dlpack__. DTYPE < 0 keeps an array's own dtype and takes LIKE for
 * Python's numbers (float32 for floats if LIKE < 0 too). On failure a Python exception may be set already; cnn_raise
 * knows. */
cnn_status cnn_tensor_from_object(cnn_module_state *state, PyObject *object, int dtype, int like, int copy,
                                  cnn_tensor **out);
bool cnn_is_operand(PyObject *object); /* takes part in arithmetic with tensors */
/* None, True or False to CNN_COPY_...; -1 with an exception that names WHERE. */
int cnn_copy_from_object(PyObject *object, const char *where, int *copy);
/* A read-only NumPy array over T's memory, which it keeps alive. */
PyObject *cnn_numpy_view(cnn_tensor *t);
/* A writable array over the memory of T, which nobody else may hold; takes T over. */
PyObject *cnn_numpy_own(cnn_tensor *t);
/* A new NumPy array with T's values. */
PyObject *cnn_numpy_copy(cnn_tensor *t);
int cnn_dtype_from_object(PyObject *object, cnn_dtype *out); /* name, NumPy dtype or type; -1 with an exception */
int cnn_convert_init(void);                                  /* imports NumPy's C API */
PyObject *cnn_tensor_array(PyObject *self, PyObject *args, PyObject *kwargs); /* __array__ */

/* Lists, tensors and arrays as index arrays (a new reference): integers, or a bool mask; other keys as they are. */
PyObject *cnn_index_array(cnn_module_state *state, PyObject *key);
/* How many dimensions KEY, as cnn_index_array gives it, takes if it is an index array; 0 if it is none. */
int cnn_index_array_takes(PyObject *key);
/* The ARRAYS as one index into their dimensions (of SIZES) melted; -1 with an exception. */
int cnn_index_tensor(cnn_module_state *state, PyObject *const *arrays, int count, const int64_t *sizes,
                     cnn_tensor **out);

/* dlpack.c: a tensor over the memory of an object with __dlpack__; COPY is None, True or False as there. */
cnn_status cnn_tensor_from_dlpack(PyObject *object, PyObject *copy, cnn_tensor **out);

/* ---- the parts of cnnpy.Tensor; cnn_add_tensor_type puts them together ---- */

extern PyType_Slot cnn_tensor_number_slots[];   /* tensor_number.c: operators */
extern PyType_Slot cnn_tensor_index_slots[];    /* tensor_index.c: [], len, iteration */
extern PyType_Slot cnn_tensor_exchange_slots[]; /* exchange.c: buffers */
extern PyMethodDef cnn_tensor_methods[];        /* tensor_method.c */
/* tensor_type.c: a value that later assignments do not change: of a variable a new Tensor that shares its memory
 * (through the tape), of a tensor the tensor itself. */
PyObject *cnn_tensor_snapshot(PyObject *object);
/* tensor_number.c: element I as a Python number. */
PyObject *cnn_element(const cnn_tensor *t, int64_t i);
/* variable_type.c: the Variable that stands for T, a new reference. */
PyObject *cnn_variable_of(cnn_module_state *state, cnn_tensor *t);
/* Methods of Tensor that are defined beside their kin. */
PyObject *cnn_tensor_format(PyObject *self, PyObject *spec);
PyObject *cnn_tensor_dlpack(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cnn_tensor_dlpack_device(PyObject *self, PyObject *unused);

/* Steps of module initialisation; -1 with an exception. */
int cnn_add_convert_functions(PyObject *module);
int cnn_add_dlpack_functions(PyObject *module);
int cnn_add_tensor_type(PyObject *module);
int cnn_add_variable_type(PyObject *module);
int cnn_add_ops(PyObject *module);
int cnn_add_tape_type(PyObject *module);
int cnn_add_custom_gradient(PyObject *module);
int cnn_add_system_functions(PyObject *module);
int cnn_add_image_functions(PyObject *module);
int cnn_add_metric_functions(PyObject *module);
int cnn_add_optimizer_functions(PyObject *module);

#endif
