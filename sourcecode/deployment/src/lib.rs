//! Nothing but its tests, which need what no program of the book does.
