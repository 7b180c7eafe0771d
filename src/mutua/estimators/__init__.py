"""What all estimators share: checks of parameters, fits that fail, files, the auxiliary variable, whitening."""
