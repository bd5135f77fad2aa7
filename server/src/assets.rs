//! The built site: WebAssembly, JavaScript, CSS and what lies in `public/`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Where the files of the site are, and what they are called: their names change with their content.
#[derive(Clone, Debug)]
pub struct Assets {
    /// The site's folder.
    pub folder: PathBuf,
    /// The path of the script that hydrates a page.
    pub script: String,
    /// The path of the WebAssembly.
    pub wasm: String,
    /// The path of the styles.
    pub style: String,
}

/// The built site was not found.
#[derive(Debug, thiserror::Error)]
#[error("the built site was not found in {0}: build it with `make build`, or set ROSTER_SITE to its folder")]
pub struct NoSite(PathBuf);

impl Assets {
    /// Finds the site: in `given`, else beside the program, else in `target/site`.
    ///
    /// # Errors
    /// `NoSite` if it isn’t where it should be.
    pub fn find(given: Option<&Path>) -> Result<Self, NoSite> {
        if let Some(folder) = given {
            return Self::read(folder);
        }
        let program = env::current_exe().ok();
        let installed = program
            .as_deref()
            .and_then(Path::parent)
            .map(|folder| [folder.join("site"), folder.join("../site")]);
        let folders = installed.into_iter().flatten().chain([PathBuf::from("target/site")]);
        let mut last = NoSite(PathBuf::from("target/site"));
        for folder in folders {
            match Self::read(&folder) {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Some of its files: who can read these can read all.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        [&self.script, &self.wasm, &self.style]
            .into_iter()
            .map(|path| self.folder.join(path.trim_start_matches('/')))
    }

    fn read(folder: &Path) -> Result<Self, NoSite> {
        let missing = || NoSite(folder.to_owned());
        // From the root on: another account may not get through the folder this program was started in.
        let folder = &fs::canonicalize(folder).map_err(|_| missing())?;
        let names: Vec<_> = fs::read_dir(folder.join("pkg"))
            .map_err(|_| missing())?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        let path = |ending| {
            let name = names
                .iter()
                .find(|name| name.starts_with("roster.") && name.ends_with(ending))
                .ok_or_else(missing)?;
            Ok(format!("/pkg/{name}"))
        };
        Ok(Self {
            folder: folder.to_owned(),
            script: path(".js")?,
            wasm: path(".wasm")?,
            style: path(".css")?,
        })
    }

    /// A site with nothing in it, for tests that only read pages.
    #[must_use]
    pub fn none() -> Self {
        Self {
            folder: PathBuf::new(),
            script: "/pkg/roster.js".to_owned(),
            wasm: "/pkg/roster.wasm".to_owned(),
            style: "/pkg/roster.css".to_owned(),
        }
    }
}
