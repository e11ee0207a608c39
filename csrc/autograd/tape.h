/* The tape: keeps the calls whose results depend on a followed tensor, and walks them backwards.
 *
 * A tape follows trainable variables of itself, other tensors when asked (cnn_tape_watch), and what is computed from
 * them. Each followed tensor has a slot for its gradient. Walking back frees every call as soon as it has been used,
 * unless the tape is persistent. Several tapes may record in a thread, each for itself. There are no second
 * derivatives: a tape that records while another gives gradients refuses to walk back through these. */
#ifndef CNN_AUTOGRAD_TAPE_H
#define CNN_AUTOGRAD_TAPE_H

#include "autograd/op.h"

typedef struct cnn_tape cnn_tape;

/* NULL without memory. */
cnn_tape *cnn_tape_new(bool persistent, bool watch_variables);
/* A tape that still records in another thread is freed there, when that thread next looks at it. */
void cnn_tape_free(cnn_tape *tape);

/* Start recording in this thread, beside the tapes that do already; stop it. A tape that has been used up starts
 * afresh. While it records a tape belongs to its thread, and at other times to whoever works on it: from elsewhere all
 * functions that have a status fail. */
cnn_status cnn_tape_start(cnn_tape *tape);
cnn_status cnn_tape_stop(cnn_tape *tape);
bool cnn_tape_is_recording(const cnn_tape *tape);
/* Forget everything recorded. */
cnn_status cnn_tape_reset(cnn_tape *tape);
cnn_status cnn_tape_watch(cnn_tape *tape, cnn_tensor *t);

/* The watched leaves, in the order they were first seen; *COUNT of them, borrowed until the tape is used again. Among
 * them are results that carry the mark of another tape. */
cnn_status cnn_tape_leaves(cnn_tape *tape, cnn_tensor *const **leaves, int *count);

/* Gradients of sum(TARGETS[i] * WEIGHTS[i]) with respect to SOURCES; a weight of NULL is ones. GRADS[j] is a new
 * reference, or NULL where no target depends on the source. A tape that is not persistent is used up afterwards. */
cnn_status cnn_tape_gradient(cnn_tape *tape, cnn_tensor *const *targets, cnn_tensor *const *weights, int target_count,
                             cnn_tensor *const *sources, int source_count, cnn_tensor **grads);

/* For cnn_op_apply: does a tape of this thread follow one of these; keep this call on the tapes that do. */
bool cnn_tape_follows(cnn_tensor *const *in, int inputs);
cnn_status cnn_tape_record(cnn_call *c);

#endif
