"""The parts of `NeuronClassifier.fit` around the engine: options, starts, callbacks, recording."""
