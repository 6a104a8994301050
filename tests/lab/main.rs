//! A lab as people use it: the real program, its processes and files, and their own clients.

mod crowd;
mod life;
mod rotation;
mod world;
