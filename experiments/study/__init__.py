"""From a study file to a finished journal: specification, folder, launch, loop, trial, pools."""
