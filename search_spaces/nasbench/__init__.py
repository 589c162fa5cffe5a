"""The interface of google-research/nasbench without TensorFlow.

Code written for it runs with its imports changed:

    from nasbench import api              ->  from oneshot_hpo.search_spaces.nasbench import api
    from nasbench.lib import model_spec   ->  from oneshot_hpo.search_spaces.nasbench import model_spec
    from nasbench.lib import graph_util   ->  from oneshot_hpo.search_spaces.nasbench import graph_util
    from nasbench.lib import config       ->  from oneshot_hpo.search_spaces.nasbench import config
"""
