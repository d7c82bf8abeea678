//! The `wippy` executable.

fn main() {
    let mut args = std::env::args().skip(2);
    let name = args.next().expect("file");
    let mut bytes = std::fs::read(&name).expect("readable");
    wippy::stdlib::base::skip_comment(&mut bytes);
    let args: Vec<Vec<u8>> = args.map(String::into_bytes).collect();
    let chunk_name = [b"@", name.as_bytes()].concat();
    let proto = match wippy::runtime::loader::compile_source(&bytes, &chunk_name) {
        Ok(p) => p,
        Err(e) => {
            eprintln!("{}", String::from_utf8_lossy(&wippy::runtime::loader::error_text(&chunk_name, &e)));
            std::process::exit(1);
        }
    };
    let mut script = wippy::runtime::script::Script::new(None).expect("memory");
    script.set_arg(name.as_bytes(), &args).expect("memory");
    script.start(wippy::heap::Code::link_shared(proto), &args).expect("memory");
    let outcome = script.run();
    script.close();
    match outcome {
        wippy::runtime::script::Outcome::Done(c) | wippy::runtime::script::Outcome::Quit(c) => std::process::exit(c),
        wippy::runtime::script::Outcome::Failed(f) => {
            eprintln!("Error: {}\n{}", String::from_utf8_lossy(&f.message), String::from_utf8_lossy(&f.traceback));
            std::process::exit(1);
        }
    }
}
