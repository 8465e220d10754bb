// The precompiled header of the tests is built for the sake of this file.
