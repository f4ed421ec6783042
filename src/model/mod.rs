//! The shared nouns of the house.
