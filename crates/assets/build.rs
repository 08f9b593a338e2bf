//! Builds `web/` into `OUT_DIR` and writes the table of its files. Writes nothing into the source
//! tree but `web/node_modules`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// What Vite 8 runs on (its `engines`): 20.19 and later of 20, 22.12 and later.
const NODE_OLDEST: [(u32, u32); 2] = [(20, 19), (22, 12)];

/// What is no input of the build.
const NO_INPUT: [&str; 5] = ["node_modules", "dist", "e2e", "test-results", "playwright-report"];

/// Extension and `Content-Type`.
const MIMES: [(&str, &str); 9] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json"),
    ("webmanifest", "application/manifest+json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("woff2", "font/woff2"),
    ("txt", "text/plain; charset=utf-8"),
];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CHINWAG_WEB_DIST");
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR")?);
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let dist = dist(&web, &out)?;
    fs::write(out.join("table.rs"), table(&dist)?).context("table.rs")
}

/// A folder with the finished app.
fn dist(web: &Path, out: &Path) -> Result<PathBuf> {
    match env::var_os("CHINWAG_WEB_DIST") {
        Some(none) if none == "none" => without_app(out, "it was built without the web app"),
        Some(given) => {
            let given = PathBuf::from(given);
            println!("cargo::rerun-if-changed={}", given.display());
            given
                .join("index.html")
                .is_file()
                .then_some(given)
                .context("CHINWAG_WEB_DIST: there is no index.html in it")
        }
        None if !web.join("package.json").is_file() => carried(out),
        None => built(web, out),
    }
}

/// The finished app that a published package has in it, far from the sources.
fn carried(out: &Path) -> Result<PathBuf> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist");
    if dist.join("index.html").is_file() {
        return Ok(dist);
    }
    without_app(out, "the sources of the web app are not here")
}

fn built(web: &Path, out: &Path) -> Result<PathBuf> {
    let inputs = inputs(web)?;
    let (dist, stamp) = (out.join("dist"), out.join("dist.stamp"));
    let hash = hash(web, &inputs)?;
    if fs::read_to_string(&stamp).is_ok_and(|built| built == hash) {
        return Ok(dist);
    }
    if let Err(why) = node_is_usable() {
        println!("cargo::warning=the web app was left out: {why}");
        return without_app(out, "Node.js 20.19 or newer was not there when it was built");
    }
    // A half-finished build must not pass for a whole one.
    fs::remove_file(&stamp).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    install(web)?;
    let vite = [
        "node_modules/vite/bin/vite.js",
        "build",
        "--emptyOutDir",
        "--logLevel",
        "warn",
        "--outDir",
    ];
    run(Command::new("node").args(vite).arg(&dist).current_dir(web))?;
    run(Command::new("node").arg("scripts/compress.mjs").arg(&dist).current_dir(web))?;
    fs::write(&stamp, hash)?;
    Ok(dist)
}

/// A page that says plainly what is missing.
fn without_app(out: &Path, why: &str) -> Result<PathBuf> {
    let folder = out.join("without-app");
    fs::create_dir_all(&folder)?;
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Chinwag</title>\n\
         <h1>Chinwag is running, without its web app</h1>\n<p>This binary has no page to show: {why}.</p>\n\
         <p>Install Node.js and build it again. All else works: the API, the terminal client, bots.</p>\n</html>\n"
    );
    fs::write(folder.join("index.html"), page)?;
    Ok(folder)
}

/// `npm ci`, unless `node_modules` was made from this very lock file. No package's script is run.
fn install(web: &Path) -> Result<()> {
    let lock = fs::read(web.join("package-lock.json")).context("web/package-lock.json")?;
    let mark = web.join("node_modules/.installed-from.json");
    if fs::read(&mark).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let ci = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
    run(Command::new(npm).args(ci).current_dir(web))?;
    fs::write(mark, lock).context("web/node_modules")
}

fn node_is_usable() -> Result<(), String> {
    let answer = Command::new("node").arg("--version").output();
    let Ok(output) = answer else {
        return Err("Node.js is not installed".to_owned());
    };
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|it| it.parse().ok());
    let found: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let oldest = NODE_OLDEST.iter().find(|(major, _)| *major == found.0).unwrap_or(&NODE_OLDEST[1]);
    if found < *oldest {
        return Err(format!("Node.js {version} is too old, it takes {}.{}", oldest.0, oldest.1));
    }
    Ok(())
}

/// Says what the command said only where it failed.
fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        bail!(
            "{command:?} failed:\n{said}\n{complained}\n\
             CHINWAG_WEB_DIST=none leaves the web app out, CHINWAG_WEB_DIST=folder takes a finished build."
        );
    }
    Ok(())
}

/// All files of the app, in one order everywhere. Cargo is told to watch them and their folders.
fn inputs(web: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in sorted_entries(web)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !NO_INPUT.contains(&name.as_str()) {
            println!("cargo::rerun-if-changed={}", entry.display());
            walk(entry, &mut files)?;
        }
    }
    files.retain(|file| !file.to_string_lossy().ends_with(".test.ts"));
    Ok(files)
}

fn walk(path: PathBuf, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path);
        return Ok(());
    }
    sorted_entries(&path)?.into_iter().try_for_each(|entry| walk(entry, files))
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn hash(root: &Path, files: &[PathBuf]) -> Result<String> {
    let mut hash = Xxh3::new();
    for file in files {
        let content = fs::read(file).with_context(|| file.display().to_string())?;
        let name = file.strip_prefix(root)?.to_string_lossy();
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update(&(content.len() as u64).to_le_bytes());
        hash.update(&content);
    }
    Ok(format!("{:032x}", hash.digest128()))
}

/// The source of `ASSETS`, sorted by path.
fn table(dist: &Path) -> Result<String> {
    let mut files = Vec::new();
    walk(dist.to_owned(), &mut files)?;
    let mut rows = files
        .iter()
        .filter(|file| !is_compressed(file))
        .map(|file| row(dist, file))
        .collect::<Result<Vec<_>>>()?;
    rows.sort();
    let mut source = "static ASSETS: &[Asset] = &[\n".to_owned();
    for (_, row) in rows {
        source.push_str(&row);
    }
    source.push_str("];\n");
    Ok(source)
}

fn is_compressed(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "br" || extension == "gz")
}

/// The path, to sort by, and the row.
fn row(dist: &Path, file: &Path) -> Result<(String, String)> {
    let parts =
        file.strip_prefix(dist)?.components().map(|part| part.as_os_str().to_string_lossy());
    let path = format!("/{}", parts.collect::<Vec<_>>().join("/"));
    let extension = file.extension().unwrap_or_default().to_string_lossy();
    let (_, mime) = MIMES
        .iter()
        .find(|(known, _)| *known == extension)
        .with_context(|| format!("{path}: no Content-Type is known for it"))?;
    let etag = format!("\"{:032x}\"", xxh3_128(&fs::read(file)?));
    let mut row = String::new();
    writeln!(
        row,
        "    Asset {{ path: {path:?}, mime: {mime:?}, etag: {etag:?}, immutable: {},",
        path.starts_with("/assets/")
    )?;
    writeln!(row, "        bytes: include_bytes!({:?}),", file.display().to_string())?;
    writeln!(
        row,
        "        brotli: {}, gzip: {} }},",
        compressed(file, "br"),
        compressed(file, "gz")
    )?;
    Ok((path, row))
}

fn compressed(file: &Path, extension: &str) -> String {
    let file = format!("{}.{extension}", file.display());
    if Path::new(&file).is_file() {
        format!("Some(include_bytes!({file:?}))")
    } else {
        "None".to_owned()
    }
}
