/* What the losses of this folder share.
 *
 * A loss takes (y_true, y_pred) and gives one value per row, reduced over the last axis; losses/reduce_loss.c makes a
 * scalar of these. y_pred is float; y_true may have any dtype and is converted. Gradients flow to y_pred alone, except
 * in the squared and absolute error, which are symmetric. */
#ifndef CNN_LOSSES_LOSS_H
#define CNN_LOSSES_LOSS_H

#include "autograd/op.h"
#include "kernels/kernels.h"

typedef void cnn_loss_kernel(const cnn_loss_job *job, int64_t begin, int64_t end);

/* The shape that y_true and y_pred agree on: equal shapes, or one has a last axis of 1 more, which is left out
 * unless the other has only one axis. HINT ends the message of an error. */
cnn_status cnn_loss_common_shape(const cnn_call *c, const char *hint, cnn_shape *common);
/* Checks both inputs, sets out_shape[0] to their common shape without the last axis. */
cnn_status cnn_loss_check(cnn_call *c);
cnn_status cnn_loss_check_with_hint(cnn_call *c, const char *hint);
cnn_status cnn_loss_check_smoothing(double label_smoothing);
cnn_status cnn_loss_check_epsilon(double epsilon);

/* T itself if it has DTYPE, else a converted copy; a new reference. */
cnn_status cnn_loss_convert(cnn_tensor *t, cnn_dtype dtype, cnn_tensor **out);

/* Runs the kernel over all rows. JOB has columns and the loss's own numbers; target (or labels), prediction and results
 * are filled in. Forward writes c->out[0]; backward makes c->grad_in[1], and grad_in[0] if SYMMETRIC and wanted. */
cnn_status cnn_loss_forward(cnn_call *c, cnn_loss_job *job, cnn_loss_kernel *f32, cnn_loss_kernel *f64);
cnn_status cnn_loss_backward(cnn_call *c, cnn_loss_job *job, cnn_loss_kernel *f32, cnn_loss_kernel *f64,
                             bool symmetric);
/* The same with job->labels already set, for labels that are indices. */
cnn_status cnn_loss_rows(const cnn_tensor *prediction, cnn_loss_job *job, cnn_loss_kernel *f32, cnn_loss_kernel *f64);

/* Weights over values of shape VALUES: as a tensor of DTYPE in which each element stands for *INNER consecutive values.
 * Weights are aligned with the first axes of the values (a weight per sample, per sample and row, ...; an axis of 1
 * stretches, a surplus last axis of 1 is left out), or else with the last ones as NumPy broadcasts. */
cnn_status cnn_weights_check(const cnn_shape *values, const cnn_shape *weights);
cnn_status cnn_weights_expand(const cnn_shape *values, cnn_tensor *weights, cnn_dtype dtype, cnn_tensor **out,
                              int64_t *inner);

#endif
