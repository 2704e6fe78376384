// What a word of a query becomes: the same as a word of the index. The file `words.rs` says it for those.
(() => {
    const unsaid = new Set(UNSAID_WORDS.split(" "));
    const english = elasticlunr.stemmer;

    // The Russian stemmer of Snowball, https://snowballstem.org/algorithms/russian/stemmer.html.
    const gerund = /([ая])(?:в|вши|вшись)$|(?:ив|ивши|ившись|ыв|ывши|ывшись)$/;
    const reflexive = /с[яь]$/;
    const adjective = /(?:ее|ие|ые|ое|ими|ыми|ей|ий|ый|ой|ем|им|ым|ом|его|ого|ему|ому|их|ых|ую|юю|ая|яя|ою|ею)$/;
    const participle = /(?:ивш|ывш|ующ)$|([ая])(?:ем|нн|вш|ющ|щ)$/;
    const verb = new RegExp("(?:ила|ыла|ена|ейте|уйте|ите|или|ыли|ей|уй|ил|ыл|им|ым|ен|ило|ыло|ено|ят|ует|уют|"
        + "ит|ыт|ены|ить|ыть|ишь|ую|ю)$|([ая])(?:ла|на|ете|йте|ли|й|л|ем|н|ло|но|ет|ют|ны|ть|ешь|нно)$");
    const noun = new RegExp("(?:а|ев|ов|ие|ье|е|иями|ями|ами|еи|ии|и|ией|ей|ой|ий|й|иям|ям|ием|ем|ам|ом|о|у|"
        + "ах|иях|ях|ы|ь|ию|ью|ю|ия|ья|я)$");
    const region = /^(.*?[аеиоуыэюя])(.*)$/;
    const inner = /^.*?[аеиоуыэюя][^аеиоуыэюя].*?[аеиоуыэюя][^аеиоуыэюя]/;

    function russian(word) {
        const parts = region.exec(word);
        if (!parts) {
            return word;
        }
        const start = parts[1];
        let rest = parts[2];
        // Takes the ending off, if it is there; a letter that it must follow stays.
        const cut = (ending) => {
            const before = rest;
            rest = rest.replace(ending, (_, kept) => (typeof kept === "string" ? kept : ""));
            return rest !== before;
        };
        if (!cut(gerund)) {
            cut(reflexive);
            if (cut(adjective)) {
                cut(participle);
            } else {
                cut(verb) || cut(noun);
            }
        }
        cut(/и$/);
        const deep = inner.exec(word);
        const derived = /ость?$/.exec(rest);
        if (deep && derived && start.length + derived.index >= deep[0].length) {
            rest = rest.slice(0, derived.index);
        }
        if (/ейше?$/.test(rest)) {
            cut(/ейше?$/);
            cut(/(н)н$/);
        } else {
            cut(/(н)н$/) || cut(/ь$/);
        }
        return start + rest;
    }

    function stem(word) {
        const plain = word.replace(/ё/g, "е");
        const length = [...plain].length;
        if (length < 2 || length > 40 || unsaid.has(plain)) {
            return undefined;
        }
        if (/^[a-z]+$/.test(plain)) {
            return english(plain);
        }
        return /^[а-я]+$/.test(plain) ? russian(plain) : plain;
    }

    elasticlunr.tokenizer.setSeperator(/[^\p{Alphabetic}\p{N}_]+/u);
    elasticlunr.Pipeline.registerFunction(stem, "stems");
    // With this one the page chooses which words of a result it shows in bold.
    elasticlunr.stemmer = (word) => {
        const bare = word.replace(/^[^\p{Alphabetic}\p{N}_]+|[^\p{Alphabetic}\p{N}_]+$/gu, "");
        // A word that is not looked for is equal to itself, and the beginning of no other one.
        return stem(bare) ?? `${bare} `;
    };
})();
