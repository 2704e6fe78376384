use beaker::cache::{BeakerCacheFormat, DogpileFormat, RegionOptions};
use beaker::middleware::RequestSession;
use beaker::sealing::BeakerCipher;

fn opened() -> Result<Backend> {
    «Backend::open_beaker("file", &[("data_dir", "./cache")])»
}

fn formats(sessions: Sessions, keys: Vec<(String, String)>) -> Result<()> {
    let _ = sessions.«shared_with_beaker(BeakerFormat::pickle())»;
    let _ = BeakerFormat::json().«sealed_by(Sealer::beaker(keys)?)»;
    let _ = [«BeakerCipher::aes_gcm()», «BeakerCipher::aes_ctr()»];
    Ok(())
}

fn our_calls(session: &mut RequestSession) -> Result<()> {
    session.«get("user")»;
    session.«set("user", "Kimi")»;
    session.«save()?»;
    session.«delete()?»;
    session.«invalidate()?»;
    session.«regenerate_id()?»;
    session.«revert()»;
    session.«last_accessed()»;
    session.«unreadable()».count();
    Ok(())
}

fn caches(options: RegionOptions) {
    let _ = options.clone().«shared_with_dogpile(DogpileFormat::json())»;
    let _ = options.«shared_with_beaker(BeakerCacheFormat::new())»;
}
