/* Functions on batches of images that prepare data; no tape follows them. */
#include "python/binding.h"

#include "image/affine.h"

#include <string.h>

static PyObject *image_affine(PyObject *module, PyObject *args)
{
    static const char *const edges[] = {"nearest", "constant", "reflect", "wrap"};
    cnn_module_state *state = PyModule_GetState(module);
    PyObject *images, *numbers;
    const char *name;
    double fill, scale;
    int order, edge = 0;
    cnn_tensor *x = NULL, *transforms = NULL, *y = NULL;
    if (!PyArg_ParseTuple(args, "OOisdd:image_affine", &images, &numbers, &order, &name, &fill, &scale)) return NULL;
    while (edge < 4 && strcmp(name, edges[edge])) edge++;
    if (edge == 4)
        return PyErr_Format(PyExc_ValueError, "fill_mode must be 'nearest', 'constant', 'reflect' or 'wrap', got '%s'",
                            name);
    cnn_status status = cnn_tensor_from_object(state, images, -1, -1, CNN_COPY_IF_NEEDED, &x);
    if (status == CNN_OK)
        status = cnn_tensor_from_object(state, numbers, CNN_FLOAT64, -1, CNN_COPY_IF_NEEDED, &transforms);
    if (status == CNN_OK) {
        Py_BEGIN_ALLOW_THREADS status = cnn_image_affine(x, transforms, order, (cnn_edge)edge, fill, scale, &y);
        Py_END_ALLOW_THREADS
    }
    cnn_tensor_release(x);
    cnn_tensor_release(transforms);
    if (status != CNN_OK) return cnn_raise(status, "image_affine");
    return cnn_numpy_own(y);
}

static PyMethodDef functions[] = {
    {"image_affine", image_affine, METH_VARARGS,
     "image_affine(x, transforms, order, fill_mode, fill_value, scale, /)\n--\n\n"
     "Images x[batch, height, width, channels] under affine transforms[batch, 9], as SciPy's affine_transform with "
     "order 0 or 1 computes them: t0..t5 give the place in x of each (row, column), t6 is added within the image's "
     "range (NaN: not), t7 and t8 mirror it left to right and upside down; then SCALE multiplies. A NumPy array."},
    {NULL, NULL, 0, NULL},
};

int cnn_add_image_functions(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
