"""Looking early: group-sequential tests of paired runs, their boundaries and adjusted results."""
