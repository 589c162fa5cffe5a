"""The interface of google-research/nasbench without TensorFlow.

Code written for it runs with its imports changed:

    from nasbench import api              ->  from oneshot_hpo.search_spaces.nasbench import api
    from nasbench.lib import model_spec, graph_util, config
        ->  from oneshot_hpo.search_spaces.nasbench import model_spec, graph_util, config
"""
