//! What may travel.
