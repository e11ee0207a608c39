"""Pictures of data, of training and of what happens inside a network (matplotlib: `pip install "cnnpy[visualize]"`).

Every function returns a matplotlib Figure and shows nothing by itself: in Jupyter the last value of a cell appears,
elsewhere `figure.savefig("name.png")` writes it. Nothing is kept open in pyplot.
"""

from cnnpy.visualize.attention import grad_cam, occlusion
from cnnpy.visualize.graph import model_to_dot, plot_model
from cnnpy.visualize.history import plot_history
from cnnpy.visualize.inside import maximize_filter, plot_feature_maps, plot_filters
from cnnpy.visualize.pictures import plot_image_rows, plot_images
from cnnpy.visualize.predictions import plot_confusion_matrix, plot_misclassified, plot_predictions

__all__ = [
    "grad_cam",
    "maximize_filter",
    "model_to_dot",
    "occlusion",
    "plot_confusion_matrix",
    "plot_feature_maps",
    "plot_filters",
    "plot_history",
    "plot_image_rows",
    "plot_images",
    "plot_misclassified",
    "plot_model",
    "plot_predictions",
]
