//! The commands for the one who runs it, as one types them, beside the program that serves.

mod admin;
mod doctor;
mod proxy;
mod running;
