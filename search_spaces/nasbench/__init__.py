"""The interface of google-research/nasbench without TensorFlow.

Code written for it runs with its imports changed:

    from nasbench import api              ->  from search_spaces.nasbench import api
    from nasbench.lib import model_spec   ->  from search_spaces.nasbench import model_spec
    from nasbench.lib import graph_util   ->  from search_spaces.nasbench import graph_util
    from nasbench.lib import config       ->  from search_spaces.nasbench import config
"""
