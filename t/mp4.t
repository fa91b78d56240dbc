# SPDX-License-Identifier: BSD-2-Clause
#
# mp4: parts of films.  The films are made here, with samples that tell which
# they are; what comes is read back by t/lib/Weir/MP4.pm.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::MP4;
use Weir::Program;
use Weir::Test;

need_module('http_mp4');

# sample_list($name, $n, $duration, $every): texts of several lengths, each
# $every-th is a key frame.
sub sample_list {
    my ($name, $n, $duration, $every) = @_;

    return [map { [$duration, "<$name$_" . 'x' x ($_ * 7 % 23) . '>',
                   $every && $_ % $every == 0 ? 'key' : '',
                   $every ? $_ % 3 * 20 : undef] } 0 .. $n - 1];
}

my %film = (
    both => { tracks => [
        { timescale => 1000, chunk => 1,
          samples => sample_list('v', 250, 40, 25) },
        { timescale => 8000, chunk => [2, 1, 1, 3], v1 => 1,
          samples => sample_list('a', 80, 1000) } ] },
    chunks => { wide => 1, tracks => [
        { timescale => 25, chunk => [4, 7, 7, 1, 1, 1, 5], co64 => 1,
          samples => sample_list('v', 100, 1, 10) } ] },
    one => { no_ftyp => 1, tracks => [
        { timescale => 100, chunk => 1000,
          samples => sample_list('s', 500, 2) } ] },
    uneven => { tracks => [
        { timescale => 100, chunk => 3, samples => [map { [
            (10, 10, 30, 1)[$_ % 4], "sample$_.", $_ % 6 ? '' : 'key' ] }
            0 .. 99] } ] },
    short => { tracks => [
        { timescale => 100, chunk => 5, samples => sample_list('v', 100, 10) },
        { timescale => 100, chunk => 5,
          samples => sample_list('s', 20, 10) } ] },
    uniform => { tracks => [
        { timescale => 100, chunk => 6, uniform => 1,
          samples => [map { [10, sprintf '%07d', $_] } 0 .. 99] } ] },
);
my $t = Weir::Test->new;
for my $name (sort keys %film) {
    $t->write("html/$name.mp4", mp4_film(%{ $film{$name} }));
    $t->write("html/fast/$name.mp4", mp4_film(%{ $film{$name} },
                                              faststart => 1));
}
my $good = mp4_film(%{ $film{both} });
$t->write('html/cut.mp4', substr $good, 0, -10);
$t->write('html/none.mp4', mp4_atom('ftyp', 'isom') . mp4_atom('mdat', 'x'));
$t->write('html/empty.mp4', '');
$t->write('html/index.html', 'the index');
$t->write('html/film.mp4', Weir::Test::slurp("$FindBin::Bin/data/video/film.mp4"));
$t->write('html/hold/gif', 'GIF89'); # takes so long that the film has ended
$t->write('html/play.html', <<'EOH');
<!doctype html><title>film</title><p id=what></p><video muted></video>
<img src=hold/gif>
<script>
const v = document.querySelector('video'), p = document.getElementById('what');
if (v.canPlayType('video/mp4; codecs="avc1.42E01E, mp4a.40.2"'))
    p.textContent = 'can play';
v.onended = () => p.textContent = 'can play, played '
    + v.currentTime + ' seconds, ' + v.videoWidth + 'x' + v.videoHeight;
v.onerror = () => p.textContent = 'can play, error ' + v.error.message;
v.src = '/key/film.mp4?start=2'; v.playbackRate = 4; v.play();
</script>
EOH
$t->run(<<'EOC');
%%HTTP%%
    types { video/mp4 mp4; text/html html; }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { mp4; mp4_buffer_size 64k; }
        location /key/ { alias %%TESTDIR%%/html/; mp4; mp4_start_key_frame on; }
        location /small/ { alias %%TESTDIR%%/html/; mp4; mp4_buffer_size 1k;
                           mp4_max_buffer_size 1k; }
        location /hold/ { limit_rate 50; }
        location /off/ { alias %%TESTDIR%%/html/; }
        location /read/ { alias %%TESTDIR%%/html/; mp4; sendfile off; }
    }
}
EOC

# at($track, $seconds): the sample that is on then, and when it began.
sub at {
    my ($track, $seconds) = @_;
    my $left = int $seconds * 1000 * $track->{timescale} / 1000 + 1e-6;
    my $began = 0;

    for my $i (0 .. $#{ $track->{samples} }) {
        my $d = $track->{samples}[$i][0];
        return ($i, $began) if $left < $d;
        $left -= $d;
        $began += $d;
    }
    return (scalar @{ $track->{samples} }, $began);
}

# expected($track, $start, $end, $by_key): the samples, and the time of those
# that come before the start.
sub expected {
    my ($track, $start, $end, $by_key) = @_;
    my ($first, $began) = at($track, $start);
    my ($last, $prefix) = (scalar @{ $track->{samples} }, 0);

    ($last) = at($track, ($began + int(($end - $start) * 1000 + .5)
                          * $track->{timescale} / 1000) / $track->{timescale})
        if defined $end;
    my $has_keys = grep { $_->[2] } @{ $track->{samples} };
    while ($by_key && $has_keys && !$track->{samples}[$first][2]) {
        $first--;
        $prefix += $track->{samples}[$first][0];
    }
    return ([@{ $track->{samples} }[$first .. $last - 1]], $prefix);
}

sub is_part {
    my ($uri, $name, $start, $end, $by_key) = @_;
    my $r = $t->get($uri);
    my ($head, @tracks) = eval { mp4_read($r->body) };
    my @problems;

    push @problems, "status " . $r->status if $r->status != 200;
    push @problems, $@ if $@;
    my $k = 0;
    for my $track (@{ $film{$name}{tracks} }) {
        my ($samples, $prefix) = expected($track, $start, $end, $by_key);
        next if !@$samples;
        my $got = $tracks[$k++];
        my @texts = map { join ',', map { $_ // '' } @$_ }
            @{ $got->{samples} // [] };
        my @wanted = map { join ',', map { $_ // '' } @$_[0 .. 3] } @$samples;
        push @problems, "track $k: " . @texts . ' samples, ' . @wanted
            . " wanted; first $texts[0], $wanted[0] wanted"
            if "@texts" ne "@wanted";
        push @problems, "track $k: $got->{n_times} times"
            if ($got->{n_times} // 0) != @wanted;
        my $edits = join ' ', map { "@$_" } @{ $got->{edits} };
        push @problems, "track $k: edits $edits"
            if $edits ne ($prefix ? "$got->{film_duration} $prefix" : '');
    }
    push @problems, @tracks . ' tracks' if @tracks != $k;
    is "@problems", '', $uri;
}

my $is_new = !is_oracle();
for my $name (sort keys %film) {
    next if $name eq 'uniform' && !$is_new;
    is_part("/$name.mp4?start=0", $name, 0);
    for my $span ([0.5], [1.234], [1, 1.5], [0, 1], [1.96], [1.5, 100],
                  [0.04, 0.2], [1.99, 3.01]) {
        my ($start, $end) = @$span;
        my $args = "start=$start" . (defined $end ? "&end=$end" : '');

        is_part("/$name.mp4?$args", $name, $start, $end);
        is_part("/key/fast/$name.mp4?$args", $name, $start, $end, 1)
            if $start < 1.9 && $name ne 'short';
    }
}
is_part('/both.mp4?start=2.00000000001', 'both', 2);
is_part('/both.mp4?end=1', 'both', 0, 1);
is_part('/both.mp4?end=2&start=5', 'both', 5);
is_part('/read/both.mp4?start=5', 'both', 5);
is_part('/short.mp4?start=4', 'short', 4);

# --- what is sent as it is
for my $uri (qw(/both.mp4 /both.mp4?start= /both.mp4?start=x /both.mp4?start=-1
                /both.mp4?end=0 /both.mp4?begin=1 /off/both.mp4?start=5)) {
    ok $t->get($uri)->body eq $good, "$uri: the file";
}
ok $t->get('/fast/both.mp4?start=0')->body eq $t->read('html/fast/both.mp4'),
    'start=0: the file, where the moov comes first';
ok $t->get('/cut.mp4')->body eq $t->read('html/cut.mp4'), 'a broken file: as it is';
is $t->get('/empty.mp4')->status, 200, 'an empty file';
is $t->get('/')->body, 'the index', 'a folder is left to index';
is $t->get('/nothing.mp4?start=1')->status, 404, 'no file';
is $t->post('/both.mp4', 'x')->status, 405, 'POST';

# --- the response
my $r = $t->get('/both.mp4?start=5');
is $r->header('Content-Type'), 'video/mp4', 'Content-Type';
is $r->header('Content-Length'), length $r->body, 'Content-Length';
my ($head) = mp4_read($r->body);
is $head->{order}, 'ftyp moov mdat', 'the moov comes first';
is $head->{duration}, 3000, '... and tells the duration';
my $etag = $r->header('ETag');
isnt $etag, $t->get('/both.mp4')->header('ETag'), 'its own ETag';
my $range = $t->get('/both.mp4?start=5', headers => [Range => 'bytes=100-199']);
is $range->status, 206, 'a range';
ok $range->body eq substr($r->body, 100, 100), '... of the part';
is $t->head('/both.mp4?start=5')->header('Content-Length'), length $r->body,
    'HEAD';

# --- what is refused
$t->expect_log(qr/"[^"]+\.mp4".* client/);
for (['/both.mp4?start=10.1', qr/"[^"]+" mp4 start time exceeds file duration/],
     ['/small/both.mp4?start=1', qr/"[^"]+" mp4 moov atom is too large:\d+, you may/],
     ['/none.mp4?start=1', qr/no mp4 trak atoms were found in/],
     ['/cut.mp4?start=1', qr/"[^"]+" mp4 atom too large/],
     ['/empty.mp4?start=1', qr/no mp4 trak atoms were found in/],
     ['/both.mp4?start=1.001&end=1.002',
      qr/no data between start time and end time in/]) {
    my ($uri, $line) = @$_;

    is $t->get($uri)->status, 500, "$uri: 500";
    ok $t->wait_log($line), '... and the log says why';
}
is $t->get('/both.mp4')->status, 200, 'the server goes on';

# --- a browser plays a film from the middle, which comes in no order to play
SKIP: {
    my $chromium = Weir::Program::path('chromium');
    skip 'no chromium', 1 if !$chromium;
    open my $pipe, '-|', 'timeout', 90, 'sh', '-c', 'exec "$@" 2>/dev/null',
        'sh', $chromium, qw(--headless --no-sandbox --disable-gpu --no-first-run
        --disable-background-networking --disable-dev-shm-usage
        --autoplay-policy=no-user-gesture-required),
        '--user-data-dir=' . $t->path('chromium'), '--dump-dom',
        'http://127.0.0.1:' . $t->port . '/play.html' or die "chromium: $!\n";
    my $page = do { local $/; <$pipe> } // '';
    close $pipe;
    skip 'chromium does not run here, or has no H.264', 1
        if $page !~ /can play/;
    like $page, qr/played 2\.\d+ seconds, 64x48/, 'Chromium plays the middle';
}

done_testing;
