"""`keras.mixed_precision`: the dtype policy of layers that are made without one."""

from cnnpy.config import dtype_policy, set_dtype_policy
from cnnpy.dtype_policies import DTypePolicy

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = ["DTypePolicy", "Policy", "dtype_policy", "global_policy", "set_dtype_policy", "set_global_policy"]
