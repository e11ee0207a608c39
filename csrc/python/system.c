/* Functions of the module that concern the run-time: memory, threads, tapes, processor, versions. */
#include "python/binding.h"

#include "autograd/tape.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

static PyObject *memory_stats(PyObject *module, PyObject *unused)
{
    cnn_memory_stats s;
    (void)module;
    (void)unused;
    cnn_memory_get_stats(&s);
    return Py_BuildValue("{s:n,s:n,s:n,s:n,s:K,s:K}", "in_use", (Py_ssize_t)s.in_use, "peak", (Py_ssize_t)s.peak,
                         "cached", (Py_ssize_t)s.cached, "limit", (Py_ssize_t)s.limit, "requests",
                         (unsigned long long)s.requests, "system_calls", (unsigned long long)s.system_calls);
}

static PyObject *memory_reset_peak(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    cnn_memory_reset_peak();
    Py_RETURN_NONE;
}

static PyObject *memory_trim(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    cnn_memory_trim();
    Py_RETURN_NONE;
}

static PyObject *memory_set_limit(PyObject *module, PyObject *value)
{
    (void)module;
    Py_ssize_t limit = value == Py_None ? 0 : PyLong_AsSsize_t(value);
    if (limit < 0) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_ValueError, "memory limit must be None or a number of bytes >= 0, got %R", value);
        return NULL;
    }
    cnn_memory_set_limit((size_t)limit);
    Py_RETURN_NONE;
}

static PyObject *memory_available(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    size_t available = cnn_memory_available();
    if (available == SIZE_MAX) Py_RETURN_NONE;
    return PyLong_FromSize_t(available);
}

static PyObject *memory_fail_at(PyObject *module, PyObject *value)
{
    (void)module;
    long long n = PyLong_AsLongLong(value);
    if (n == -1 && PyErr_Occurred()) return NULL;
    cnn_memory_fail_at(n);
    Py_RETURN_NONE;
}

static PyObject *get_threads(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    cnn_refresh_threads(); /* another thread may have set it */
    return PyLong_FromLong(cnn_get_threads());
}

static PyObject *set_threads(PyObject *module, PyObject *value)
{
    (void)module;
    long n = value == Py_None ? 0 : PyLong_AsLong(value);
    if (n < 0 || n > 1024) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "threads must be None or 1..1024, got %R", value);
        return NULL;
    }
    cnn_set_threads((int)n);
    Py_RETURN_NONE;
}

static PyObject *limit_threads(PyObject *module, PyObject *value)
{
    (void)module;
    long n = value == Py_None ? 0 : PyLong_AsLong(value);
    if ((n < 1 && value != Py_None) || n > 1024) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "threads must be None or 1..1024, got %R", value);
        return NULL;
    }
    cnn_limit_threads((int)n);
    Py_RETURN_NONE;
}

static PyObject *get_level(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(cnn_k()->level);
}

static PyObject *set_level(PyObject *module, PyObject *name)
{
    (void)module;
    const char *text = name == Py_None ? NULL : PyUnicode_AsUTF8(name);
    if (!text && PyErr_Occurred()) return NULL;
    cnn_status status = cnn_kernels_select(text);
    if (status != CNN_OK) return cnn_raise(status, NULL);
    Py_RETURN_NONE;
}

static PyObject *levels(PyObject *module, PyObject *unused)
{
    int count;
    const char *const *names = cnn_kernels_levels(&count);
    (void)module;
    (void)unused;
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple && i < count; i++) {
        PyObject *name = PyUnicode_FromString(names[i]);
        if (!name) Py_CLEAR(tuple);
        else PyTuple_SET_ITEM(tuple, i, name);
    }
    return tuple;
}

static PyObject *is_followed(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    const cnn_module_state *state = PyModule_GetState(module);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (args[i] == Py_None) continue;
        if (!cnn_is_tensor(state, args[i]))
            return PyErr_Format(PyExc_TypeError, "is_followed: takes Tensors and None, got %R", args[i]);
        cnn_tensor *t = cnn_tensor_in(args[i]);
        if (cnn_tape_follows(&t, 1)) Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}

static PyObject *conv_algorithm(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(cnn_conv_algorithm_names[cnn_conv_algorithm_now()]);
}

static PyObject *set_conv_algorithm(PyObject *module, PyObject *name)
{
    (void)module;
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "the algorithm of convolutions must be a string, got %R", name);
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8(name);
    if (!text) return NULL;
    cnn_status status = cnn_conv_algorithm_select(text);
    if (status != CNN_OK) return cnn_raise(status, NULL);
    Py_RETURN_NONE;
}

static PyObject *blas_description(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(cnn_gemm_description());
}

static PyMethodDef functions[] = {
    {"memory_stats", memory_stats, METH_NOARGS,
     "Counters of the allocator: in_use, peak, cached, limit (bytes), requests, system_calls."},
    {"memory_reset_peak", memory_reset_peak, METH_NOARGS, "Make peak the present in_use."},
    {"memory_trim", memory_trim, METH_NOARGS, "Give cached blocks back to the system."},
    {"memory_set_limit", memory_set_limit, METH_O, "Highest in_use in bytes; None for no limit."},
    {"memory_available", memory_available, METH_NOARGS,
     "Bytes that the system can still give without swapping; None where it does not tell."},
    {"memory_fail_at", memory_fail_at, METH_O, "For tests: the n-th request from now fails; 0 disarms."},
    {"get_threads", get_threads, METH_NOARGS, "Number of threads that compute."},
    {"limit_threads", limit_threads, METH_O, "The most threads for what this thread calls; None lifts the limit."},
    {"set_threads", set_threads, METH_O, "Number of threads; None for OMP_NUM_THREADS or one per processor."},
    {"get_level", get_level, METH_NOARGS, "Processor level in use: 'generic', 'avx2' or 'avx512'."},
    {"set_level", set_level, METH_O, "Choose a level of levels(); None for the best."},
    {"levels", levels, METH_NOARGS, "Levels that this build has and this processor can run, best last."},
    {"is_followed", (PyCFunction)(void (*)(void))is_followed, METH_FASTCALL,
     "Whether a GradientTape of this thread follows one of these Tensors (None: nothing), so that it would keep a call "
     "on them."},
    {"conv_algorithm", conv_algorithm, METH_NOARGS, "How convolutions are computed: 'auto', 'direct' or 'winograd'."},
    {"set_conv_algorithm", set_conv_algorithm, METH_O, "Choose how convolutions are computed from now on."},
    {"blas_description", blas_description, METH_NOARGS, "Version and processor of OpenBLAS, in its own words."},
    {NULL, NULL, 0, NULL},
};

int cnn_add_system_functions(PyObject *module)
{
#ifdef _OPENMP
    const int openmp = 1;
#else
    const int openmp = 0;
#endif
    if (PyModule_AddObjectRef(module, "has_openmp", openmp ? Py_True : Py_False) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
